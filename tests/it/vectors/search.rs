//! The project's search functions: through the index, and complete for every tenant.

#![expect(clippy::print_stdout, reason = "a measurement tells its figures")]

use crate::support::{Database, Session, Template, database};

const TENANTS: [(&str, u32); 3] = [
    ("00000000-0000-0000-0000-00000000000a", 1_400),
    ("00000000-0000-0000-0000-00000000000b", 260),
    ("00000000-0000-0000-0000-00000000000c", 130),
];

/// EduSphere with embeddings of three tenants of different size: twenty subjects, and twelve topics that mix within
/// each. Like those of a model they have few directions. Noise in all 768 directions is no model's: such vectors
/// are all equally far from each other, and no index finds the nearest (recall 0.47 at ef_search 40).
fn embedded() -> Database {
    embedded_times(1)
}

/// The same with so many times as many rows.
fn embedded_times(times: u32) -> Database {
    let db = database(Template::Migrated);
    let mut session = db.session("postgres");
    session.run(
        "SET session_replication_role = replica;
         DROP INDEX idx_content_emb_hnsw, idx_concept_emb_hnsw;
         CREATE TEMP TABLE subject AS SELECT s, (SELECT array_agg(sin(g * s * 1.7) ORDER BY g)
             FROM generate_series(1, 768) g)::vector AS v FROM generate_series(1, 20) s;
         CREATE TEMP TABLE topic AS SELECT (SELECT array_agg(cos(g * t * 0.37 + t) ORDER BY g)
             FROM generate_series(1, 768) g)::vector AS v FROM generate_series(1, 12) t",
    );
    for (tenant, rows) in TENANTS {
        session.run(&format!(
            "INSERT INTO tenants (id, name, slug) VALUES ('{tenant}', '{tenant}', '{tenant}');
             CREATE TEMP TABLE fresh AS SELECT gen_random_uuid() AS id, i,
                 subject.v + (SELECT sum(topic.v * array_fill((random() - 0.5 + i - i)::real, ARRAY[768])::vector) FROM topic) AS e
             FROM generate_series(1, {rows} * {times}) i JOIN subject ON s = 1 + i % 20;
             INSERT INTO content_embeddings (tenant_id, asset_id, source_text, embedding, model_name)
             SELECT '{tenant}', id, i::text, e, 'm' FROM fresh;
             INSERT INTO concept_embeddings (tenant_id, concept_id, source_text, embedding, model_name)
             SELECT '{tenant}', id, i::text, e, 'm' FROM fresh; DROP TABLE fresh"
        ));
    }
    session.run("ANALYZE content_embeddings; ANALYZE concept_embeddings");
    db.edu(&["db", "index"]).expect(0);
    db
}

/// As an application does it: its login, its role, its tenant, until the end of the transaction.
fn inside(db: &Database, tenant: &str) -> Session {
    let mut session = db.session("edusphere_login");
    session.run(&format!(
        "BEGIN; SELECT set_config('app.current_tenant', '{tenant}', true); SET LOCAL ROLE edusphere_app"
    ));
    session
}

#[test]
fn the_search_functions_use_the_index_and_return_every_row_they_are_asked_for() {
    let db = embedded();
    let query = "ARRAY(SELECT sin(g * 3 * 1.7) FROM generate_series(1, 768) g)::vector";
    let query = db.one(&format!("SELECT {query}::text"));
    for (tenant, _) in TENANTS {
        for limit in [10, 100] {
            for call in [
                format!("search_content_semantic('{query}', '{tenant}', {limit}, -1)"),
                format!("search_concepts_semantic('{query}', '{tenant}', {limit})"),
            ] {
                let mut session = inside(&db, tenant);
                let rows = session.one(&format!("SELECT count(*) FROM {call}"));
                assert_eq!(rows, limit.to_string(), "{tenant}");
            }
        }
    }
    let largest = TENANTS[0].0;
    for (call, index) in calls(&query, largest) {
        let mut session = inside(&db, largest);
        // So few rows are sorted faster than searched; what is proved is that the function can be answered
        // by the index at all.
        session.run("SET LOCAL enable_sort = off");
        assert!(uses(&mut session, &call, index), "{index}");
    }
}

/// The documents' calls for one tenant, with the index that each is to use.
fn calls(query: &str, tenant: &str) -> [(String, &'static str); 2] {
    [
        (
            format!("search_content_semantic('{query}', '{tenant}')"),
            "idx_content_emb_hnsw",
        ),
        (
            format!("search_concepts_semantic('{query}', '{tenant}')"),
            "idx_concept_emb_hnsw",
        ),
    ]
}

fn uses(session: &mut Session, call: &str, index: &str) -> bool {
    let plan = session.rows(&format!("EXPLAIN (COSTS off) SELECT * FROM {call}"));
    plan.iter()
        .any(|row| row[0].contains(&format!("Index Scan using {index}")))
}

/// 30,430 rows of 768 dimensions in each table: what the planner does by itself, and what every tenant gets.
#[test]
#[ignore = "builds two indexes of real size; run with: just bench-vectors"]
fn at_real_size_the_search_functions_take_the_index_by_themselves_and_return_every_row() {
    let db = embedded_times(17);
    let query = db.one(
        "SELECT (ARRAY(SELECT sin(g * 3 * 1.7) + 0.01 FROM generate_series(1, 768) g)::vector)::text",
    );
    for (at, (tenant, _)) in TENANTS.into_iter().enumerate() {
        for (call, index) in calls(&query, tenant) {
            let mut session = inside(&db, tenant);
            let taken = uses(&mut session, &call, index);
            assert!(
                taken || at > 0,
                "the largest tenant's plan is without {index}"
            );
            for limit in [10, 100] {
                let wanted = match index {
                    "idx_content_emb_hnsw" => call.replace("')", &format!("', {limit}, -1)")),
                    _ => call.replace("')", &format!("', {limit})")),
                };
                let begun = std::time::Instant::now();
                let rows = session.one(&format!("SELECT count(*) FROM {wanted}"));
                let took = begun.elapsed();
                println!(
                    "tenant {at}, {index}, limit {limit}: {rows} rows, {took:?}, by the index: {taken}"
                );
                assert_eq!(rows, limit.to_string(), "{tenant} {index}");
                // The same through the index alone: what iterative scan is for.
                session.run("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off");
                assert!(uses(&mut session, &wanted, index));
                assert_eq!(
                    session.one(&format!("SELECT count(*) FROM {wanted}")),
                    limit.to_string()
                );
                session.run("SET LOCAL hnsw.iterative_scan = off");
                let cut_off: u32 = session
                    .one(&format!("SELECT count(*) FROM {wanted}"))
                    .parse()
                    .unwrap();
                assert!(
                    limit == 10 || cut_off < limit,
                    "without iterative scan {cut_off} of {limit}"
                );
                session.run("SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL enable_sort = on; SET LOCAL enable_bitmapscan = on");
            }
        }
    }
    // The floor that spec/vectors.toml declares holds overall and for the tenants, the largest among them.
    let status = db.edu(&["db", "index", "status", "--recall", "100"]);
    for line in status
        .stdout
        .lines()
        .filter(|line| line.contains("recall@10"))
    {
        println!("{line}");
    }
    status.expect(0);
}

#[test]
fn a_hybrid_search_walks_the_graph_from_what_the_vectors_found() {
    let db = database(Template::Migrated);
    let (a, b) = (TENANTS[0].0, TENANTS[1].0);
    let concept = |n: u32| format!("00000000-0000-0000-0001-{n:012}");
    let vector = |n: u32| {
        format!("(ARRAY(SELECT sin(g * {n} * 1.7) FROM generate_series(1, 768) g)::vector)")
    };
    db.run(&format!(
        "INSERT INTO tenants (id, name, slug) VALUES ('{a}', 'A', 'a'), ('{b}', 'B', 'b')"
    ));
    let mut lines = String::new();
    for n in 1..=4 {
        let tenant = if n < 4 { a } else { b };
        lines.push_str(&format!(
            "{{\"label\":\"Concept\",\"properties\":{{\"id\":\"{}\",\"label\":\"c{n}\",\"tenant_id\":\"{tenant}\"}}}}\n",
            concept(n)
        ));
        db.run(&format!(
            "INSERT INTO concept_embeddings (tenant_id, concept_id, source_text, embedding, model_name)
             VALUES ('{tenant}', '{}', 'c{n}', {}, 'm')",
            concept(n),
            vector(n)
        ));
    }
    lines.push_str(&format!(
        "{{\"label\":\"RELATED_TO\",\"from\":{{\"label\":\"Concept\",\"id\":\"{}\"}},\"to\":{{\"label\":\"Concept\",\"id\":\"{}\"}},\"properties\":{{\"tenant_id\":\"{a}\",\"strength\":0.5,\"method\":\"manual\"}}}}\n",
        concept(2), concept(3)
    ));
    let file = tempfile::NamedTempFile::with_suffix(".ndjson").unwrap();
    std::fs::write(file.path(), lines).unwrap();
    db.edu(&["db", "graph", "load", &file.path().display().to_string()])
        .expect(0);
    // First the vectors: the nearest two of the tenant, and never the other's.
    let found = inside(&db, a).one(&format!(
        "SELECT array_agg(concept_id)::text FROM search_concepts_semantic({}, '{a}', 2)",
        vector(2)
    ));
    assert!(
        found.starts_with(&format!("{{{}", concept(2))) && !found.contains(&concept(4)),
        "{found}"
    );
    // Then the graph, from these.
    let run = db
        .edu(&[
            "db",
            "graph",
            "query",
            "concept_neighbourhood",
            "--output",
            "json",
            "--tenant",
            a,
            "--param",
            &format!("tenant_id={a}"),
            "--param",
            &format!("concept_ids={found}"),
        ])
        .expect(0);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let first = &answer["rows"][0];
    assert_eq!(first["label"], "c2");
    assert_eq!(first["neighbours"][0]["label"], "c3");
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2);
}

#[test]
fn the_projects_own_indexes_pass_their_recall_gate_for_every_tenant() {
    let db = embedded();
    let run = db
        .edu(&["db", "index", "status", "--recall", "20"])
        .expect(0);
    let tenants = run.stdout.matches("as the application, tenant").count();
    assert_eq!(tenants, 6, "{run:?}");
    assert!(
        run.says("built with m 16, ef_construction 200") || run.says("m=16"),
        "{run:?}"
    );
}
