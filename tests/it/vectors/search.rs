//! The project's search functions: through the index, and complete for every tenant.

use crate::support::{Database, Session, Template, database};

const TENANTS: [(&str, u32); 3] = [
    ("00000000-0000-0000-0000-00000000000a", 1_400),
    ("00000000-0000-0000-0000-00000000000b", 260),
    ("00000000-0000-0000-0000-00000000000c", 130),
];

/// EduSphere with embeddings of three tenants of different size, in twenty clusters.
fn embedded() -> Database {
    let db = database(Template::Migrated);
    let mut session = db.session("postgres");
    session.run(
        "SET session_replication_role = replica;
         DROP INDEX idx_content_emb_hnsw, idx_concept_emb_hnsw",
    );
    for (tenant, rows) in TENANTS {
        session.run(&format!(
            "INSERT INTO tenants (id, name, slug) VALUES ('{tenant}', '{tenant}', '{tenant}');
             CREATE TEMP TABLE fresh AS SELECT gen_random_uuid() AS id, i,
                 ARRAY(SELECT sin(g * (i % 20) * 1.7) + (random() - 0.5) / 2
                       FROM generate_series(1, 768) g WHERE g > i - i)::vector AS e
             FROM generate_series(1, {rows}) i;
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
    for (call, index) in [
        (
            format!("search_content_semantic('{query}', '{largest}')"),
            "idx_content_emb_hnsw",
        ),
        (
            format!("search_concepts_semantic('{query}', '{largest}')"),
            "idx_concept_emb_hnsw",
        ),
    ] {
        let mut session = inside(&db, largest);
        // So few rows are sorted faster than searched; what is proved is that the function can be answered
        // by the index at all.
        session.run("SET LOCAL enable_sort = off");
        let plan = session.rows(&format!("EXPLAIN (COSTS off) SELECT * FROM {call}"));
        let used = plan
            .iter()
            .any(|row| row[0].contains(&format!("Index Scan using {index}")));
        assert!(
            used,
            "{:?}",
            plan.iter()
                .map(|row| row[0].chars().take(80).collect::<String>())
                .collect::<Vec<_>>()
        );
    }
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
