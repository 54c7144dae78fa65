//! `examples/contextinject`: enumerations, an administrator beside the application, and its document's list of tests.

use std::time::Duration;

use futures_util::future::try_join_all;
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::{System, columns, counted, keep, life};
use crate::support::{Database, Project, Session, edu, server};

const CONTEXTINJECT: System = System("contextinject");

/// The seed's tenant, and one that a test makes beside it.
const TEST: &str = "00000000-0000-0000-0000-0000000000c1";
const OTHER: &str = "00000000-0000-0000-0000-0000000000c2";

const TABLES: [&str; 11] = [
    "tenants",
    "users",
    "api_keys",
    "projects",
    "connectors",
    "documents",
    "chunks",
    "query_logs",
    "usage_events",
    "conversations",
    "audit_logs",
];

/// The document's index strategy, and the other indexes that it prints or that follow from it.
const INDEXES: &[&str] = &[
    "UNIQUE tenants_slug_unique ON tenants btree (slug)",
    "UNIQUE api_keys_hash_idx ON api_keys btree (key_hash)",
    "api_keys_tenant_idx ON api_keys btree (tenant_id)",
    "users_tenant_idx ON users btree (tenant_id)",
    "users_email_idx ON users btree (tenant_id, email) WHERE (email_verified = true)",
    "projects_tenant_idx ON projects btree (tenant_id)",
    "connectors_tenant_project_idx ON connectors btree (tenant_id, project_id)",
    "documents_tenant_project_idx ON documents btree (tenant_id, project_id)",
    "documents_status_idx ON documents btree (status)",
    "documents_content_hash_idx ON documents btree (tenant_id, content_hash)",
    "documents_external_id_idx ON documents btree (tenant_id, external_id)",
    "chunks_document_idx ON chunks btree (document_id)",
    "chunks_tenant_project_idx ON chunks btree (tenant_id, project_id)",
    "chunks_vector_id_idx ON chunks btree (vector_id)",
    "chunks_embedding_hnsw_idx ON chunks hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='200')",
    "query_logs_tenant_project_idx ON query_logs btree (tenant_id, project_id)",
    "query_logs_created_at_idx ON query_logs btree (created_at)",
    "usage_events_tenant_idx ON usage_events btree (tenant_id)",
    "usage_events_created_at_idx ON usage_events btree (created_at)",
    "conversations_tenant_project_idx ON conversations btree (tenant_id, project_id)",
    "audit_logs_tenant_idx ON audit_logs btree (tenant_id)",
    "audit_logs_created_at_idx ON audit_logs btree (created_at)",
    "audit_logs_action_idx ON audit_logs btree (tenant_id, action)",
];

const ENUMS: [(&str, &str); 7] = [
    ("api_key_env", "live test"),
    ("connector_status", "active paused error disconnected"),
    (
        "connector_type",
        "notion slack gmail github confluence jira sharepoint google-drive web-crawler direct-upload",
    ),
    (
        "document_status",
        "pending processing embedding indexed failed deleted",
    ),
    ("plan", "free starter pro enterprise"),
    ("region", "us eu apac"),
    ("role", "owner admin member viewer"),
];

/// A second tenant; both have a row in every table.
fn with_other_tenant() -> Database {
    let db = CONTEXTINJECT.database();
    let mut admin = db.session("ci_admin");
    for (tenant, salt) in [(TEST, "test"), (OTHER, "other")] {
        let id = |number: u8| format!("md5('{salt} {number}')::uuid");
        if tenant == OTHER {
            admin.run(&format!(
                "INSERT INTO tenants (id, name, slug) VALUES ('{tenant}', 'Other', 'other')"
            ));
        }
        admin.run(&format!(
            "INSERT INTO users (id, tenant_id, email, name, password_hash) VALUES ({u}, '{tenant}', 'x@y.z', 'x', 'h');
             INSERT INTO api_keys (id, tenant_id, key_hash, prefix, name) VALUES ({k}, '{tenant}', 'hash of {salt}', 'ci_', 'k');
             INSERT INTO projects (id, tenant_id, name) VALUES ({p}, '{tenant}', 'p');
             INSERT INTO connectors (id, tenant_id, project_id, type, name) VALUES ({c}, '{tenant}', {p}, 'notion', 'c');
             INSERT INTO documents (id, tenant_id, project_id, connector_id, connector_type, title, mime_type, content_hash)
                 VALUES ({d}, '{tenant}', {p}, {c}, 'notion', 't', 'text/plain', 'h');
             INSERT INTO chunks (document_id, tenant_id, project_id, content, token_count, chunk_index, vector_id)
                 VALUES ({d}, '{tenant}', {p}, 'c', 1, 0, 'v');
             INSERT INTO query_logs (tenant_id, project_id, query) VALUES ('{tenant}', {p}, 'q');
             INSERT INTO usage_events (tenant_id, event_type) VALUES ('{tenant}', 'query');
             INSERT INTO conversations (tenant_id, project_id, user_id) VALUES ('{tenant}', {p}, {u});
             INSERT INTO audit_logs (tenant_id, user_id, action, resource_type) VALUES ('{tenant}', {u}, 'a', 'r')",
            u = id(1), k = id(2), p = id(3), c = id(4), d = id(5),
        ));
    }
    db
}

fn enter(session: &mut Session, tenant: &str) {
    session.run(&format!(
        "SELECT set_config('app.tenant_id', '{tenant}', true)"
    ));
}

#[test]
fn contextinject_lives() {
    life(CONTEXTINJECT);
}

#[test]
fn contextinject_has_what_its_document_wants() {
    counted(CONTEXTINJECT);
}

#[test]
fn contextinject_has_every_column_of_its_document() {
    columns(CONTEXTINJECT);
}

#[test]
fn contextinjects_enumerations_have_their_values_in_order() {
    let db = CONTEXTINJECT.database();
    let found = db.rows(
        "SELECT t.typname, string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder)
         FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY 1 ORDER BY 1",
    );
    let wanted: Vec<Vec<String>> = ENUMS
        .iter()
        .map(|(name, values)| vec![(*name).to_owned(), (*values).to_owned()])
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn all_indexes_of_contextinject_exist_after_migration() {
    let db = CONTEXTINJECT.database();
    let found = db.rows(
        "SELECT regexp_replace(replace(pg_get_indexdef(i.indexrelid), 'public.', ''), '^CREATE (UNIQUE )?INDEX (.*) USING ', '\\1\\2 ')
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'refinery_schema_history' AND i.indisvalid AND NOT i.indisprimary",
    );
    let mut found: Vec<String> = found.into_iter().map(|mut row| row.remove(0)).collect();
    found.sort();
    let mut wanted = INDEXES.to_vec();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn contextinjects_times_have_zones_and_its_documents_no_index_on_json() {
    let db = CONTEXTINJECT.database();
    let zoneless = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'
        AND table_name <> 'refinery_schema_history' AND data_type = 'timestamp without time zone'";
    assert_eq!(db.one(zoneless), "0");
    let json = "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE a.atttypid = 'jsonb'::regtype AND i.indrelid::regclass::text NOT LIKE 'ag_%'";
    assert_eq!(db.one(json), "0");
}

#[test]
fn contextinjects_migrations_apply_twice_without_an_error() {
    let db = CONTEXTINJECT.database();
    let again = CONTEXTINJECT.edu(&db, &["db", "migrate"]).expect(0);
    assert!(again.says("nothing to do"), "{}", again.stderr);
    // The policies' own file may run again, too.
    let text = std::fs::read_to_string(
        CONTEXTINJECT
            .folder()
            .join("migrations/V0002__enable_rls.sql"),
    )
    .unwrap();
    db.session("ci_admin").run(&text);
    CONTEXTINJECT.edu(&db, &["db", "verify"]).expect(0);
}

#[test]
fn contextinject_without_vectors_stops_before_its_optional_migrations() {
    let db = Database {
        name: format!("without_vectors_{}", std::process::id()),
    };
    let url = db.url();
    let folder = Project::of("contextinject");
    edu(&folder, &["db", "bootstrap", "--create", "--url", &url]).expect(0);
    edu(&folder, &["db", "migrate", "--to", "2", "--url", &url]).expect(0);
    let embedding = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'chunks'::regclass AND attname = 'embedding'";
    assert_eq!(db.one(embedding), "0");
    edu(&folder, &["db", "migrate", "--url", &url]).expect(0);
    assert_eq!(db.one(embedding), "1");
}

#[test]
fn pgvector_is_there_for_contextinject() {
    let db = CONTEXTINJECT.database();
    let mut app = db.session("ci_app");
    assert_eq!(
        app.one("SELECT vector_dims(array_fill(0::real, ARRAY[1024])::vector)"),
        "1024"
    );
    assert_eq!(app.one("SELECT similarity('context', 'context') = 1"), "t");
}

#[test]
fn a_contextinject_tenant_reaches_its_own_rows_and_no_other() {
    let db = with_other_tenant();
    let mut app = db.session("ci_app");
    for table in TABLES {
        let column = if table == "tenants" {
            "id"
        } else {
            "tenant_id"
        };
        assert_eq!(
            app.one(&format!("SELECT count(*) FROM {table}")),
            "0",
            "{table} without a context"
        );
        app.run("BEGIN");
        enter(&mut app, OTHER);
        assert_eq!(
            app.rows(&format!("SELECT DISTINCT {column} FROM {table}")),
            [[OTHER]],
            "{table}"
        );
        if table != "audit_logs" {
            let foreign = format!("DELETE FROM {table} WHERE {column} = '{TEST}'");
            assert_eq!(app.attempt(&foreign), Ok(0), "{table}");
        }
        app.run("COMMIT");
        // The setting is the empty text now, not unset: the policies hide, and do not raise.
        assert_eq!(
            app.one(&format!("SELECT count(*) FROM {table}")),
            "0",
            "{table} after a context"
        );
    }
    app.run("BEGIN");
    enter(&mut app, TEST);
    let foreign = format!("INSERT INTO projects (tenant_id, name) VALUES ('{OTHER}', 'p')");
    assert!(app.attempt(&foreign).unwrap_err().starts_with("42501"));
}

#[test]
fn contextinjects_administrator_sees_every_tenant_and_its_application_cannot_become_it() {
    let db = with_other_tenant();
    assert_eq!(
        db.session("ci_admin").one("SELECT count(*) FROM tenants"),
        "2"
    );
    let roles = db.rows("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN ('ci_admin', 'ci_app') ORDER BY 1");
    assert_eq!(roles, [["ci_admin", "f", "t"], ["ci_app", "f", "f"]]);
    assert!(
        db.session("ci_app")
            .attempt("SET ROLE ci_admin")
            .unwrap_err()
            .starts_with("42501")
    );
}

#[test]
fn a_contextinject_tenant_is_created_in_its_own_context() {
    let db = CONTEXTINJECT.database();
    let mut app = db.session("ci_app");
    let insert = format!(
        "INSERT INTO tenants (id, name, slug) VALUES ('{OTHER}', 'New', 'new') RETURNING slug"
    );
    assert!(app.attempt(&insert).unwrap_err().starts_with("42501"));
    app.run("BEGIN");
    enter(&mut app, OTHER);
    assert_eq!(app.one(&insert), "new");
}

#[test]
fn a_contextinject_key_is_looked_up_before_the_tenant_is_known() {
    let db = with_other_tenant();
    let mut app = db.session("ci_app");
    let found =
        app.rows("SELECT tenant_id, scopes, environment FROM find_api_key('hash of other')");
    assert_eq!(found, [[OTHER, "[]", "live"]]);
    db.run("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE key_hash = 'hash of other'");
    for hash in ["'hash of other'", "'hash of %'", "''", "NULL"] {
        assert_eq!(
            app.one(&format!("SELECT count(*) FROM find_api_key({hash})")),
            "0",
            "{hash}"
        );
    }
}

#[test]
fn contextinjects_audit_survives_and_cannot_be_rewritten() {
    let db = with_other_tenant();
    let mut app = db.session("ci_app");
    app.run("BEGIN");
    enter(&mut app, OTHER);
    for sql in [
        "UPDATE audit_logs SET action = 'nothing'",
        "DELETE FROM audit_logs",
    ] {
        app.run("SAVEPOINT before");
        assert!(app.attempt(sql).unwrap_err().starts_with("42501"), "{sql}");
        app.run("ROLLBACK TO before");
    }
    app.run("ROLLBACK");
    db.run(&format!("DELETE FROM tenants WHERE id = '{OTHER}'"));
    for (table, left) in [
        ("users", "0"),
        ("api_keys", "0"),
        ("projects", "0"),
        ("connectors", "0"),
        ("documents", "0"),
        ("chunks", "0"),
        ("conversations", "0"),
        ("query_logs", "1"),
        ("usage_events", "1"),
        ("audit_logs", "1"),
    ] {
        assert_eq!(
            db.one(&format!(
                "SELECT count(*) FROM {table} WHERE tenant_id = '{OTHER}'"
            )),
            left,
            "{table}"
        );
    }
}

#[test]
fn a_contextinject_document_outlives_its_connector_and_a_conversation_its_user() {
    let db = with_other_tenant();
    db.run("DELETE FROM connectors WHERE id = md5('other 4')::uuid; DELETE FROM users WHERE id = md5('other 1')::uuid");
    assert_eq!(
        db.one("SELECT connector_id FROM documents WHERE id = md5('other 5')::uuid"),
        "NULL"
    );
    assert_eq!(
        db.one(&format!(
            "SELECT user_id FROM conversations WHERE tenant_id = '{OTHER}'"
        )),
        "NULL"
    );
    db.run("DELETE FROM projects WHERE id = md5('other 3')::uuid");
    assert_eq!(
        db.one(&format!(
            "SELECT count(*) FROM documents WHERE tenant_id = '{OTHER}'"
        )),
        "0"
    );
}

#[test]
fn contextinjects_slugs_and_key_hashes_are_unique_and_its_addresses_are_not() {
    let db = with_other_tenant();
    let mut admin = db.session("ci_admin");
    for sql in [
        "INSERT INTO tenants (name, slug) VALUES ('x', 'other')".to_owned(),
        format!(
            "INSERT INTO api_keys (tenant_id, key_hash, prefix, name) VALUES ('{TEST}', 'hash of other', 'p', 'n')"
        ),
    ] {
        assert!(
            admin.attempt(&sql).unwrap_err().starts_with("23505"),
            "{sql}"
        );
    }
    let address = format!(
        "INSERT INTO users (tenant_id, email, name, password_hash) VALUES ('{OTHER}', 'x@y.z', 'x', 'h')"
    );
    assert_eq!(admin.attempt(&address), Ok(1));
}

#[test]
fn contextinjects_seed_is_valid_and_keeps_no_secret() {
    let folder = Project::copy(&CONTEXTINJECT.folder());
    let db = Database {
        name: format!("seeded_{}", std::process::id()),
    };
    let url = db.url();
    for step in [&["db", "bootstrap", "--create"][..], &["db", "migrate"]] {
        folder.edu(&[step, &["--url", &url]].concat()).expect(0);
    }
    let seeded = folder.edu(&["db", "seed", "--url", &url]).expect(0);
    let start = seeded
        .stdout
        .find("ci_test_")
        .unwrap_or_else(|| panic!("no key was shown: {}", seeded.stdout));
    let key = &seeded.stdout[start..start + 72];
    assert!(key[8..].chars().all(|c| c.is_ascii_hexdigit()), "{key}");
    assert_eq!(
        db.rows(&format!("SELECT key_hash = encode(sha256('{key}'), 'hex'), prefix = left('{key}', 16), scopes, environment FROM api_keys")),
        [["t", "t", "[\"documents:read\", \"documents:write\", \"query\", \"admin\"]", "test"]]
    );
    assert_eq!(
        db.rows("SELECT name, slug, plan, region, settings FROM tenants"),
        [["Test Organization", "test-org", "pro", "us", "{}"]]
    );
    let user = db
        .rows("SELECT email, name, role, email_verified, password_hash FROM users")
        .remove(0);
    assert_eq!(
        user[..4],
        ["dev@contextinject.ai", "Dev User", "owner", "t"]
    );
    assert!(user[4].starts_with("$argon2id$"), "{}", user[4]);
    assert_eq!(
        db.rows("SELECT name, description FROM projects"),
        [["Default Project", "Development test project"]]
    );
    let again = folder.edu(&["db", "seed", "--url", &url]).expect(0);
    assert!(
        again.says("nothing to do") && !again.says("ci_test_"),
        "{again:?}"
    );
}

/// The document's pool: 20 connections, and its times.
fn pool(db: &Database) -> PgPool {
    let url = format!(
        "{}&application_name=pool_of_{}",
        server().url(&db.name, "ci_app"),
        db.name
    );
    PgPoolOptions::new()
        .max_connections(20)
        .acquire_timeout(Duration::from_secs(60))
        .idle_timeout(Duration::from_secs(20))
        .max_lifetime(Duration::from_secs(30 * 60))
        .connect_lazy(&url)
        .unwrap()
}

/// What an application does for every request: a transaction in one tenant's context.
async fn with_tenant(pool: &PgPool, tenant: &str, sql: &'static str) -> sqlx::Result<(i64, bool)> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT set_config('app.tenant_id', $1, true)")
        .bind(tenant)
        .execute(&mut *transaction)
        .await?;
    let row: (i64, bool) = sqlx::query_as(sql).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(row)
}

#[test]
fn fifty_contextinject_queries_at_once_share_twenty_connections_and_no_tenant() {
    let db = with_other_tenant();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pool = pool(&db);
        // Each is open while the others come: more than twenty would show.
        let sql = "SELECT count(*), bool_and(tenant_id = current_setting('app.tenant_id')::uuid)
                   FROM documents, pg_sleep(0.02)";
        let tenants = [TEST, OTHER];
        let queries = (0..50).map(|n| with_tenant(&pool, tenants[n % 2], sql));
        for answer in try_join_all(queries).await.unwrap() {
            assert_eq!(answer, (1, true));
        }
        let connections = "SELECT count(*), true FROM pg_stat_activity WHERE application_name = current_setting('application_name')";
        let (open, _) = with_tenant(&pool, TEST, connections).await.unwrap();
        assert!((1..=20).contains(&open), "{open} connections");
        // Nothing of a tenant stays on a connection that goes back into the pool.
        for _ in 0..20 {
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM documents").fetch_one(&pool).await.unwrap();
            assert_eq!(left, 0);
        }
        pool.close().await;
    });
    let mut admin = db.session("postgres");
    let gone = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool_of_{}'",
        db.name
    );
    crate::support::until("the pool's connections are gone", || {
        admin.one(&gone) == "0"
    });
}

/// The least of several runs on the server itself, in milliseconds.
fn least_ms(session: &mut Session, sql: &str) -> f64 {
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF) {sql}");
    let one = |session: &mut Session| -> f64 {
        let rows = session.rows(&explain);
        let mut lines = rows.iter().flatten();
        let line = lines.find_map(|line| line.trim().strip_prefix("Execution Time: "));
        line.unwrap().trim_end_matches(" ms").parse().unwrap()
    };
    (0..100).map(|_| one(session)).fold(f64::MAX, f64::min)
}

#[test]
fn contextinjects_policies_cost_less_than_a_millisecond() {
    let db = with_other_tenant();
    db.run(
        "INSERT INTO documents (tenant_id, project_id, connector_type, title, content_hash, mime_type)
         SELECT d.tenant_id, d.project_id, 'notion', 'd' || i, 'hash' || i, d.mime_type
         FROM (SELECT DISTINCT ON (tenant_id) * FROM documents ORDER BY tenant_id) d, generate_series(1, 5000) i;
         ANALYZE documents",
    );
    let mut owner = db.session("postgres");
    let by_hand = format!("SELECT id FROM documents WHERE tenant_id = '{TEST}' LIMIT 50");
    let by_hand = least_ms(&mut owner, &by_hand);
    let mut app = db.session("ci_app");
    app.run("BEGIN");
    enter(&mut app, TEST);
    let by_policy = least_ms(&mut app, "SELECT id FROM documents LIMIT 50");
    assert!(
        by_policy - by_hand < 1.0,
        "{by_policy} ms instead of {by_hand} ms"
    );
}

#[test]
fn a_backup_of_it_comes_back_as_it_was() {
    keep(CONTEXTINJECT);
}

#[test]
fn contextinjects_rules_of_no_downtime_are_enforced() {
    let project = Project::copy(&CONTEXTINJECT.folder());
    let lint = |up: &str, down: Option<&str>| {
        project.write("migrations/V0005__next.sql", up);
        let path = project.path().join("migrations/V0005__next.down.sql");
        match down {
            Some(down) => std::fs::write(&path, down).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        project.edu(&["db", "lint", "--output", "sarif"])
    };
    let down = Some("SELECT 1;");
    for (rule, sql) in [
        (
            "data-loss",
            "ALTER TABLE documents DROP COLUMN error_message;",
        ),
        (
            "breaks-running-code",
            "ALTER TABLE documents RENAME COLUMN title TO headline;",
        ),
        (
            "adding-required-field",
            "ALTER TABLE documents ADD COLUMN lang text NOT NULL;",
        ),
        (
            "index-blocks-writes",
            "CREATE INDEX documents_title_idx ON documents (title);",
        ),
        (
            "index-blocks-writes",
            "CREATE INDEX c ON chunks USING hnsw (embedding vector_l2_ops);",
        ),
    ] {
        let run = lint(&format!("-- Why.\n{sql}"), down).expect(1);
        let log: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), 1, "{sql}: {results:#?}");
        assert_eq!(results[0]["ruleId"], rule, "{sql}");
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(
            place["artifactLocation"]["uri"],
            "migrations/V0005__next.sql"
        );
        assert_eq!(place["region"]["startLine"], 2);
        let explained = project.edu(&["explain", rule]).expect(0);
        assert!(explained.says("instead") || !explained.stdout.is_empty());
    }
    let column = "ALTER TABLE documents ADD COLUMN lang text;";
    lint(column, down).expect(0);
    lint("-- edu: no-transaction\nCREATE INDEX CONCURRENTLY documents_title_idx ON documents (title);", down).expect(0);
    let taken_on = "-- edu: allow data-loss reason=\"unused since release 3\"\nALTER TABLE documents DROP COLUMN error_message;";
    lint(taken_on, down).expect(0);
    assert!(
        lint(column, None)
            .expect(1)
            .says("migration-without-way-back")
    );
    for (form, wanted) in [
        (
            "github",
            "::error file=migrations/V0005__next.sql,line=1,col=1,title=migration-without-way-back",
        ),
        ("junit", "<failure type=\"migration-without-way-back\""),
        ("json", "\"line\": 1"),
        ("text", "[migration-without-way-back]"),
    ] {
        let run = project.edu(&["db", "lint", "--output", form]).expect(1);
        assert!(run.stdout.contains(wanted), "{form}: {}", run.stdout);
    }
}
