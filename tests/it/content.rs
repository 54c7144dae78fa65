//! What this repository's project gives on a server: structure, isolation, graph and seed rows.

use std::process::Command;

use crate::support::{Database, Project, Session, Template, database, edu, runtime, server};

const A: &str = "00000000-0000-0000-0000-000000000001";
const B: &str = "00000000-0000-0000-0000-00000000000b";
const ADMIN: &str = "00000000-0000-0000-0000-000000000010";
const STUDENT: &str = "00000000-0000-0000-0000-000000000020";

/// Project tables: not the history, which is edu's.
const TABLES: &str = "c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'refinery_schema_history'";

/// What is counted, how, and the specification's number. `{TABLES}` stands for the project's tables.
const COUNTS: &[(&str, &str, &str)] = &[
    ("tables", "SELECT count(*) FROM pg_class c WHERE {TABLES}", "16"),
    (
        "columns",
        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE {TABLES} AND a.attnum > 0 AND NOT a.attisdropped",
        "187",
    ),
    (
        "foreign keys",
        "SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE {TABLES} AND k.contype = 'f'",
        "36",
    ),
    (
        "enums and values",
        "SELECT count(DISTINCT t.oid) || ' ' || count(*) FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
         WHERE t.typnamespace = 'public'::regnamespace",
        "10 46",
    ),
    (
        "policies by command",
        "SELECT string_agg(polcmd || n, ' ' ORDER BY polcmd) FROM (SELECT polcmd::text, count(*) AS n
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
         WHERE c.relnamespace = 'public'::regnamespace GROUP BY 1) x",
        "*11 a4 d3 r5 w5",
    ),
    (
        "row security, forced",
        "SELECT count(*) FILTER (WHERE relrowsecurity) || ' ' || count(*) FILTER (WHERE relforcerowsecurity)
         FROM pg_class c WHERE {TABLES}",
        "16 0",
    ),
    (
        "indexes by method",
        "SELECT string_agg(amname || n, ' ' ORDER BY amname) FROM (SELECT am.amname, count(*) AS n
         FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
         JOIN pg_class c ON c.oid = i.indrelid WHERE {TABLES} AND i.indisvalid GROUP BY 1) x",
        "btree62 hnsw3",
    ),
    (
        "triggers",
        "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE {TABLES} AND NOT t.tgisinternal",
        "16",
    ),
    (
        "graph labels",
        r"SELECT string_agg(kind || n, ' ' ORDER BY kind) FROM (SELECT l.kind::text, count(*) AS n
         FROM ag_catalog.ag_label l WHERE l.name NOT LIKE '\_ag\_%' GROUP BY 1) x",
        "e10 v5",
    ),
    (
        "graph tables without forced row security",
        "SELECT count(*) FROM ag_catalog.ag_label l JOIN pg_class c ON c.oid = l.relation::oid
         WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)",
        "0",
    ),
];

#[test]
fn the_structure_has_every_object_of_the_specification() {
    let db = database(Template::Migrated);
    for (what, sql, wanted) in COUNTS {
        assert_eq!(db.one(&sql.replace("{TABLES}", TABLES)), *wanted, "{what}");
    }
}

#[test]
fn the_search_path_has_the_graph_catalog_and_never_first() {
    let db = database(Template::Migrated);
    assert_eq!(db.one("SHOW search_path"), "\"$user\", public, ag_catalog");
    assert_eq!(db.one("SHOW hnsw.iterative_scan"), "strict_order");
}

#[test]
fn the_wanted_structure_and_the_migrations_give_the_same() {
    let migrated = database(Template::Migrated);
    let wanted = database(Template::Bootstrapped);
    for file in std::fs::read_dir(Project::root().join("spec/schema"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect::<std::collections::BTreeSet<_>>()
    {
        let sql = std::fs::read_to_string(file).unwrap();
        wanted.run(&format!("SET ROLE edusphere_owner; {sql}"));
    }
    migrated.run("DROP INDEX idx_content_emb_hnsw, idx_annotation_emb_hnsw, idx_concept_emb_hnsw");
    assert_eq!(dump(&wanted), dump(&migrated));
}

/// The structure of schema public as pg_dump writes it.
fn dump(db: &Database) -> String {
    let output = runtime()
        .command("pg_dump")
        .args([
            "-s",
            "-n",
            "public",
            "-T",
            "public.refinery_schema_history",
            "-d",
            &db.url(),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('\\'))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A login session inside a tenant's context.
fn inside<'a>(session: &'a mut Session, tenant: &str, user: &str) -> &'a mut Session {
    session.run(&format!(
        "BEGIN; SELECT public.run_as_tenant('{tenant}', '{user}')"
    ));
    session
}

fn two_tenants() -> Database {
    let db = database(Template::Seeded);
    db.run(&format!(
        "INSERT INTO tenants (id, name, slug) VALUES ('{B}', 'B', 'b');
         INSERT INTO users (id, tenant_id, keycloak_user_id, email, display_name)
         VALUES ('00000000-0000-0000-0000-0000000000b1', '{B}', 'b1', 'b@b', 'B');
         INSERT INTO media_assets (id, tenant_id, type, title, s3_path, s3_bucket)
         VALUES ('00000000-0000-0000-0000-0000000000c1', '{A}', 'video', 'v', 'p', 'b');
         INSERT INTO annotations (id, tenant_id, user_id, asset_id, type, content) VALUES
         ('00000000-0000-0000-0000-0000000000d1', '{A}', '{ADMIN}', '00000000-0000-0000-0000-0000000000c1', 'text', 'x')"
    ));
    db
}

#[test]
fn a_session_without_a_context_sees_nothing_even_after_one_that_had_it() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    let seen = "SELECT count(*) FROM tenants";
    login.run("BEGIN; SET LOCAL ROLE edusphere_app");
    assert_eq!(login.one(seen), "0");
    login.run("COMMIT");
    assert_eq!(inside(&mut login, A, ADMIN).one(seen), "1");
    login.run("COMMIT; BEGIN; SET LOCAL ROLE edusphere_app");
    assert_eq!(login.one(seen), "0", "the context outlived its transaction");
}

#[test]
fn outside_a_transaction_the_context_gives_nothing() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    login.run(&format!("SELECT public.run_as_tenant('{A}', '{ADMIN}')"));
    let refused = login.attempt("SELECT count(*) FROM tenants").unwrap_err();
    assert!(refused.starts_with("42501"), "{refused}");
}

#[test]
fn a_tenant_reads_and_writes_its_own_rows_alone() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    let session = inside(&mut login, A, ADMIN);
    assert_eq!(
        session.one(&format!(
            "SELECT count(*) FROM users WHERE tenant_id = '{B}'"
        )),
        "0"
    );
    assert_eq!(
        session.attempt(&format!(
            "UPDATE users SET display_name = 'x' WHERE tenant_id = '{B}'"
        )),
        Ok(0)
    );
    for stranger in [
        format!("INSERT INTO courses (tenant_id, title) VALUES ('{B}', 'c')"),
        format!("UPDATE courses SET tenant_id = '{B}'"),
        "INSERT INTO tenants (name, slug) VALUES ('C', 'c')".to_owned(),
    ] {
        session.run("SAVEPOINT s");
        let refused = session.attempt(&stranger).unwrap_err();
        assert!(refused.starts_with("42501"), "{stranger}: {refused}");
        session.run("ROLLBACK TO s");
    }
    assert_eq!(session.attempt("DELETE FROM tenants"), Ok(0));
    assert_eq!(session.attempt("DELETE FROM users"), Ok(0));
}

#[test]
fn only_the_author_changes_an_annotation() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    let other = inside(&mut login, A, STUDENT);
    assert_eq!(other.one("SELECT count(*) FROM annotations"), "1");
    assert_eq!(other.attempt("UPDATE annotations SET content = 'y'"), Ok(0));
    assert_eq!(other.attempt("DELETE FROM annotations"), Ok(0));
    other.run("COMMIT");
    assert_eq!(
        inside(&mut login, A, ADMIN).attempt("UPDATE annotations SET content = 'y'"),
        Ok(1)
    );
}

#[test]
fn an_update_refreshes_updated_at_unless_it_gives_one() {
    let db = database(Template::Seeded);
    db.run("UPDATE courses SET updated_at = '2020-01-01'");
    assert_eq!(
        db.one("SELECT extract(year FROM updated_at)::int FROM courses"),
        "2020"
    );
    db.run("UPDATE courses SET title = title");
    assert_eq!(
        db.one("SELECT updated_at > now() - interval '1 hour' FROM courses"),
        "t"
    );
}

#[test]
fn a_tenant_sees_and_makes_its_own_vertices_alone() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    let create = |tenant: &str| {
        format!(
            "SELECT * FROM cypher('edusphere_graph', $$ CREATE (:Concept {{id: '{tenant}', tenant_id: '{tenant}', label: 'x'}}) $$) AS (v agtype)"
        )
    };
    let count = "SELECT count(*) FROM cypher('edusphere_graph', $$ MATCH (c:Concept {label: 'x'}) RETURN c $$) AS (c agtype)";
    let any = "SELECT count(*) FROM cypher('edusphere_graph', $$ MATCH (c {label: 'x'}) RETURN c $$) AS (c agtype)";
    for tenant in [A, B] {
        let session = inside(&mut login, tenant, ADMIN);
        session.run(&create(tenant));
        assert_eq!(
            (session.one(count), session.one(any)),
            ("1".to_owned(), "1".to_owned())
        );
        session.run("COMMIT");
    }
    let session = inside(&mut login, A, ADMIN);
    assert!(
        session.attempt(&create(B)).is_err(),
        "a foreign vertex was made"
    );
    session.run("ROLLBACK");
    assert_eq!(login.one("SELECT 1"), "1", "the session survived");
}

#[test]
fn variable_length_paths_are_closed_to_the_application() {
    let db = two_tenants();
    let mut login = db.session("edusphere_login");
    let path = "SELECT * FROM cypher('edusphere_graph', $$ MATCH p = (a)-[*1..2]->(b) RETURN p $$) AS (p agtype)";
    let refused = inside(&mut login, A, ADMIN).attempt(path).unwrap_err();
    assert!(refused.starts_with("42501"), "{refused}");
}

#[test]
fn the_seed_rows_are_the_specified_ones() {
    let db = database(Template::Seeded);
    let tenant = db.rows("SELECT id, name, slug, plan, max_users, settings->>'defaultLanguage', settings->'allowedLlmProviders', settings->'maxStorageGb' FROM tenants");
    assert_eq!(
        tenant,
        [[
            A,
            "EduSphere Dev",
            "edusphere-dev",
            "enterprise",
            "1000",
            "he",
            "[\"ollama\", \"openai\", \"anthropic\"]",
            "100"
        ]]
    );
    let users =
        db.rows("SELECT id, keycloak_user_id, email, display_name, role FROM users ORDER BY id");
    assert_eq!(
        users,
        [
            [
                ADMIN,
                "dev-admin-001",
                "admin@edusphere.dev",
                "Admin User",
                "org_admin"
            ],
            [
                STUDENT,
                "dev-student-001",
                "student@edusphere.dev",
                "Test Student",
                "student"
            ],
        ]
    );
    let course = db.rows("SELECT c.title, c.is_published, c.tags, m.title, m.order_index FROM courses c JOIN modules m ON m.course_id = c.id");
    assert_eq!(
        course,
        [[
            "Introduction to Semantic Learning",
            "t",
            "[\"demo\", \"tutorial\"]",
            "Module 1: Getting Started",
            "0"
        ]]
    );
}

#[test]
fn seeding_twice_writes_nothing_the_second_time() {
    let db = database(Template::Seeded);
    let run = db.edu(&["db", "seed"]).expect(0);
    assert!(
        run.stdout
            .starts_with("nothing to do (10 rows are there)\n"),
        "{}",
        run.stdout
    );
    // The document's script ends by telling the tenant, the administrator and the course.
    for told in [
        "tenant: public.tenants 00000000-0000-0000-0000-000000000001",
        "admin: public.users 00000000-0000-0000-0000-000000000010",
        "course: public.courses 00000000-0000-0000-0000-000000000100",
    ] {
        assert!(run.stdout.contains(told), "{}", run.stdout);
    }
}

#[test]
fn the_search_function_finds_by_meaning_within_the_tenant() {
    let db = two_tenants();
    let vector = |at: usize| {
        let mut values = vec!["0"; 768];
        values[at] = "1";
        format!("'[{}]'", values.join(","))
    };
    db.run(&format!(
        "INSERT INTO concept_embeddings (tenant_id, concept_id, source_text, embedding, model_name)
         VALUES ('{A}', gen_random_uuid(), 'near', {near}, 'm'), ('{B}', gen_random_uuid(), 'foreign', {near}, 'm'),
                ('{A}', gen_random_uuid(), 'far', {far}, 'm')",
        near = vector(0),
        far = vector(5),
    ));
    let mut login = db.session("edusphere_login");
    let found = inside(&mut login, A, ADMIN).rows(&format!(
        "SELECT source_text FROM search_concepts_semantic({}, '{A}', 10)",
        vector(0)
    ));
    assert_eq!(found, [["near"], ["far"]]);
}

#[test]
fn every_index_of_the_graph_is_made_once_however_often_it_is_asked_for() {
    let db = database(Template::Migrated);
    let count = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'edusphere_graph'";
    let before = db.one(count);
    assert_eq!(db.edu(&["db", "graph"]).expect(0).stdout, "nothing to do\n");
    assert_eq!(db.one(count), before);
}

#[test]
fn a_vector_index_that_is_missing_invalid_or_different_is_built_mended_or_told() {
    let db = database(Template::Migrated);
    db.run("DROP INDEX idx_content_emb_hnsw; DROP INDEX idx_concept_emb_hnsw;
            CREATE INDEX idx_concept_emb_hnsw ON concept_embeddings USING hnsw (embedding vector_cosine_ops) WITH (m = 8);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_annotation_emb_hnsw'::regclass");
    let run = db.edu(&["db", "index"]).expect(1);
    let line = |name: &str| {
        run.stdout
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        line("idx_content_emb_hnsw").contains("built in"),
        "{}",
        run.stdout
    );
    assert!(
        line("idx_annotation_emb_hnsw").contains("built in"),
        "{}",
        run.stdout
    );
    assert!(
        line("idx_concept_emb_hnsw").contains("m is 8, declared is 16"),
        "{}",
        run.stdout
    );
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(db.one(invalid), "0");
}

#[test]
fn a_refused_seed_row_is_pointed_at_and_nothing_is_written() {
    let db = database(Template::Migrated);
    let project = Project::new(&[
        (
            "edu.toml",
            &std::fs::read_to_string(Project::root().join("edu.toml")).unwrap(),
        ),
        (
            "seeds/dev/1.toml",
            "[[table]]\nname = \"public.tenants\"\nas = \"owner\"\n[[table.row]]\nid = \"00000000-0000-0000-0000-000000000001\"\n\
             name = \"x\"\nslug = \"x\"\n[[table.row]]\nid = \"00000000-0000-0000-0000-000000000002\"\nname = \"y\"\nplan = \"golden\"\nslug = \"y\"\n",
        ),
    ]);
    let run = edu(project.path(), &["db", "seed", "--url", &db.url()]).expect(5);
    assert!(
        run.stderr.contains("seeds/dev/1.toml:11:8"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("golden"), "{}", run.stderr);
    assert_eq!(db.one("SELECT count(*) FROM tenants"), "0");
}

#[test]
fn psql_accepts_the_url() {
    let db = database(Template::Empty);
    let status = Command::new(runtime().bin.join("psql"))
        .args(["-Atc", "SELECT 1", &db.url()])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout).trim(), "1");
    assert!(server().port > 0);
}
