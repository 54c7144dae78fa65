//! `examples/platform`: FORCE on the owner, indirectly scoped tables, look-ups before the tenant is known.

use super::{System, columns, counted, keep, life};
use crate::support::{Database, Session};

const PLATFORM: System = System("platform");

/// The seed's tenant, and one that a test makes beside it.
const ACME: &str = "00000000-0000-0000-0000-0000000000ac";
const OTHER: &str = "00000000-0000-0000-0000-0000000000be";

/// The 21 indexes of the document, as the server words them after the table's name.
const INDEXES: &[&str] = &[
    "tenant_api_key_idx ON tenants btree (api_key)",
    "user_email_idx ON users btree (email)",
    "user_tenant_idx ON users btree (tenant_id)",
    "session_tenant_idx ON sessions btree (tenant_id)",
    "session_widget_idx ON sessions btree (widget_id)",
    "session_meeting_idx ON sessions btree (meeting_id)",
    "session_created_at_idx ON sessions btree (created_at)",
    "message_session_idx ON messages btree (session_id)",
    "message_timestamp_idx ON messages btree (\"timestamp\")",
    "knowledge_embedding_idx ON knowledge_documents hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')",
    "knowledge_chunk_embedding_idx ON knowledge_chunks hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')",
    "knowledge_tenant_idx ON knowledge_documents btree (tenant_id)",
    "knowledge_category_idx ON knowledge_documents btree (category)",
    "cost_tenant_timestamp_idx ON cost_events btree (tenant_id, \"timestamp\")",
    "cost_session_idx ON cost_events btree (session_id)",
    "cost_summary_tenant_period_idx ON cost_summaries btree (tenant_id, period_start, period_end)",
    "budget_alert_tenant_idx ON budget_alerts btree (tenant_id)",
    "budget_alert_active_idx ON budget_alerts btree (tenant_id, resolved)",
    "budget_alert_triggered_idx ON budget_alerts btree (triggered_at)",
    "ai_personality_tenant_idx ON ai_personalities btree (tenant_id)",
    "ai_personality_default_idx ON ai_personalities btree (tenant_id, is_default, is_active)",
];

/// A second tenant with a row in every table that has row-level security, made as a superuser.
fn with_other_tenant() -> Database {
    let db = PLATFORM.database();
    let vector = "(SELECT array_fill(0.5::real, ARRAY[1024])::vector)";
    for (tenant, salt) in [(ACME, "acme"), (OTHER, "other")] {
        let id = |number: u8| format!("md5('{salt} {number}')::uuid");
        let made = if tenant == OTHER {
            format!(
                "INSERT INTO tenants (id, name, api_key) VALUES ('{tenant}', 'Other', 'pk_other');"
            )
        } else {
            String::new()
        };
        db.run(&format!(
            "{made}
             INSERT INTO users (id, tenant_id, email, password_hash) VALUES ({u}, '{tenant}', '{salt}@x.org', 'hash of {salt}');
             INSERT INTO accounts (user_id, type, provider, provider_account_id) VALUES ({u}, 'oauth', 'google', '{salt}');
             INSERT INTO auth_sessions (session_token, user_id, expires) VALUES ('token {salt}', {u}, now() + interval '1 day'),
                 ('old {salt}', {u}, now() - interval '1 second');
             INSERT INTO widgets (id, tenant_id, name, domain_whitelist) VALUES ({w}, '{tenant}', 'w', '[]');
             INSERT INTO meetings (id, tenant_id, room_name, livekit_room_id, created_by) VALUES ({m}, '{tenant}', '{salt}', '{salt}', {u});
             INSERT INTO sessions (id, tenant_id, widget_id, meeting_id) VALUES ({s}, '{tenant}', {w}, {m});
             INSERT INTO messages (session_id, role, content) VALUES ({s}, 'user', 'hello');
             INSERT INTO knowledge_documents (id, tenant_id, title, content, embedding) VALUES ({d}, '{tenant}', 't', 'c', {vector});
             INSERT INTO knowledge_chunks (document_id, content, embedding, position) VALUES ({d}, 'c', {vector}, 0);
             INSERT INTO cost_events (tenant_id, session_id, service, cost_usd) VALUES ('{tenant}', {s}, 'llm', 1);
             INSERT INTO cost_summaries (tenant_id, period_start, period_end, total_cost_usd, breakdown) VALUES ('{tenant}', now(), now(), 1, '{{}}');
             INSERT INTO budget_alerts (tenant_id, threshold, current_spend) VALUES ('{tenant}', 1, 2);
             INSERT INTO ai_personalities (tenant_id, name, system_prompt) VALUES ('{tenant}', 'p', 'p')",
            u = id(1), w = id(2), m = id(3), s = id(4), d = id(5),
        ));
    }
    db
}

const SECURED: [&str; 14] = [
    "tenants",
    "users",
    "accounts",
    "auth_sessions",
    "widgets",
    "meetings",
    "sessions",
    "messages",
    "knowledge_documents",
    "knowledge_chunks",
    "cost_events",
    "cost_summaries",
    "budget_alerts",
    "ai_personalities",
];

fn enter(session: &mut Session, tenant: &str) {
    session.run(&format!(
        "SELECT set_config('app.current_tenant_id', '{tenant}', true)"
    ));
}

#[test]
fn platform_lives() {
    life(PLATFORM);
}

#[test]
fn platform_has_what_its_document_wants() {
    counted(PLATFORM);
}

#[test]
fn platform_has_every_column_of_its_document() {
    columns(PLATFORM);
}

#[test]
fn platform_has_the_indexes_of_its_document() {
    let db = PLATFORM.database();
    let found = db.rows(
        "SELECT regexp_replace(replace(pg_get_indexdef(i.indexrelid), 'public.', ''), '^CREATE INDEX (.*) USING ', '\\1 ')
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND NOT i.indisunique",
    );
    let mut found: Vec<String> = found.into_iter().map(|mut row| row.remove(0)).collect();
    found.sort();
    let mut wanted: Vec<&str> = INDEXES.to_vec();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn platform_has_four_policies_for_everybody_on_each_of_its_tables() {
    let db = PLATFORM.database();
    let found = db.rows(
        "SELECT c.relname, string_agg(p.polcmd::text, '' ORDER BY p.polcmd), bool_and(p.polroles = '{0}'),
                bool_and(p.polname = c.relname || '_' || CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
                    WHEN 'w' THEN 'update' ELSE 'delete' END)
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid GROUP BY 1 ORDER BY 1",
    );
    let mut wanted = SECURED.to_vec();
    wanted.sort_unstable();
    let wanted: Vec<Vec<String>> = wanted
        .iter()
        .map(|table| [*table, "adrw", "t", "t"].map(str::to_owned).to_vec())
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn platforms_owner_is_bound_by_its_own_policies() {
    let db = with_other_tenant();
    let role = db.one("SELECT rolsuper::text || rolbypassrls || rolcanlogin FROM pg_roles WHERE rolname = 'platform'");
    assert_eq!(role, "falsefalsetrue");
    let mut owner = db.session("platform");
    for table in SECURED {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(owner.one(&count), "0", "{table} without a context");
        owner.run("BEGIN");
        enter(&mut owner, OTHER);
        let there = owner.one(&count);
        assert_eq!(
            there,
            if table == "auth_sessions" { "2" } else { "1" },
            "{table} in a context"
        );
        owner.run("COMMIT");
        // The setting is the empty text now, not unset: still nothing.
        assert_eq!(owner.one(&count), "0", "{table} after a context");
    }
    assert_eq!(
        owner.one("SELECT current_setting('app.current_tenant_id')"),
        ""
    );
}

#[test]
fn platforms_context_may_be_set_for_a_session_and_reset() {
    let db = with_other_tenant();
    for user in ["platform", "platform_app"] {
        let mut session = db.session(user);
        session.run(&format!("SET app.current_tenant_id = '{OTHER}'"));
        assert_eq!(session.one("SELECT count(*) FROM sessions"), "1");
        session.run("RESET app.current_tenant_id");
        assert_eq!(session.one("SELECT count(*) FROM sessions"), "0", "{user}");
    }
}

#[test]
fn platforms_application_writes_into_its_own_tenant_alone() {
    let db = with_other_tenant();
    let mut app = db.session("platform_app");
    app.run("BEGIN");
    enter(&mut app, ACME);
    let refused = [
        format!("INSERT INTO users (tenant_id, email, password_hash) VALUES ('{OTHER}', 'a@b.c', 'x')"),
        "INSERT INTO accounts (user_id, type, provider, provider_account_id) VALUES (md5('other 1')::uuid, 'a', 'b', 'c')".to_owned(),
        "INSERT INTO messages (session_id, role, content) VALUES (md5('other 4')::uuid, 'user', 'x')".to_owned(),
        "INSERT INTO knowledge_chunks (document_id, content, embedding, position)
         VALUES (md5('other 5')::uuid, 'x', array_fill(1::real, ARRAY[1024])::vector, 1)".to_owned(),
        format!("UPDATE widgets SET tenant_id = '{OTHER}'"),
        "UPDATE messages SET session_id = md5('other 4')::uuid".to_owned(),
    ];
    for sql in refused {
        app.run("SAVEPOINT before");
        let error = app.attempt(&sql).unwrap_err();
        assert!(error.starts_with("42501"), "{sql}: {error}");
        app.run("ROLLBACK TO before");
    }
    for table in SECURED.into_iter().filter(|table| *table != "tenants") {
        let key = match table {
            "accounts" | "auth_sessions" => "user_id = md5('other 1')::uuid".to_owned(),
            "messages" => "session_id = md5('other 4')::uuid".to_owned(),
            "knowledge_chunks" => "document_id = md5('other 5')::uuid".to_owned(),
            _ => format!("tenant_id = '{OTHER}'"),
        };
        assert_eq!(
            app.attempt(&format!("DELETE FROM {table} WHERE {key}")),
            Ok(0),
            "{table}"
        );
    }
}

#[test]
fn anybody_may_create_a_platform_tenant_but_nobody_the_one_of_sessions_without_a_context() {
    let db = PLATFORM.database();
    let mut app = db.session("platform_app");
    app.run("INSERT INTO tenants (name, api_key) VALUES ('New', 'pk_new')");
    assert_eq!(
        app.one("SELECT count(*) FROM tenants"),
        "0",
        "but it sees it in its context only"
    );
    let zero = "INSERT INTO tenants (id, name, api_key) VALUES ('00000000-0000-0000-0000-000000000000', 'All', 'pk_all')";
    let error = db.session("postgres").attempt(zero).unwrap_err();
    assert!(error.contains("tenants_id_check"), "{error}");
}

#[test]
fn platforms_door_tells_what_a_login_needs_and_nothing_else() {
    let db = with_other_tenant();
    let mut app = db.session("platform_app");
    let other = "md5('other 1')::uuid::text";
    assert_eq!(
        app.rows("SELECT * FROM find_login('other@x.org')"),
        [[
            db.one(&format!("SELECT {other}")),
            OTHER.to_owned(),
            "member".to_owned(),
            "hash of other".to_owned()
        ]]
    );
    assert_eq!(
        app.rows("SELECT * FROM find_session('token other')"),
        [[db.one(&format!("SELECT {other}")), OTHER.to_owned()]]
    );
    assert_eq!(app.one("SELECT find_tenant_by_api_key('pk_other')"), OTHER);
    for nothing in [
        "SELECT count(*) FROM find_login('%')",
        "SELECT count(*) FROM find_login(NULL)",
        "SELECT count(*) FROM find_login('OTHER@X.ORG')",
        "SELECT count(*) FROM find_session('old other')",
        "SELECT count(find_tenant_by_api_key('pk_'))",
    ] {
        assert_eq!(app.one(nothing), "0", "{nothing}");
    }
    // The door's owner reads these columns, changes nothing, and nobody can become it.
    let columns = "SELECT string_agg(c.relname || '.' || a.attname, ' ' ORDER BY c.relname, a.attnum)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
           AND has_column_privilege('platform_auth', c.oid, a.attnum, 'SELECT')";
    assert_eq!(
        db.one(columns),
        "auth_sessions.session_token auth_sessions.user_id auth_sessions.expires tenants.id tenants.api_key \
         users.id users.tenant_id users.email users.password_hash users.role"
    );
    let writes = "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
         AND has_any_column_privilege('platform_auth', c.oid, 'INSERT, UPDATE')";
    assert_eq!(db.one(writes), "0");
    let members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'platform_auth'::regrole";
    assert_eq!(db.one(members), "0");
    assert!(
        db.session("platform")
            .attempt("SELECT * FROM find_login('other@x.org')")
            .is_err()
    );
}

#[test]
fn what_belongs_to_a_platform_tenant_goes_with_it() {
    let db = with_other_tenant();
    db.run(&format!("DELETE FROM tenants WHERE id = '{OTHER}'"));
    for table in SECURED.into_iter().filter(|table| *table != "tenants") {
        let left = format!(
            "SELECT count(*) FROM {table} x WHERE x::text LIKE '%' || md5('other 1')::uuid || '%'
            OR x::text LIKE '%' || md5('other 4')::uuid || '%' OR x::text LIKE '%{OTHER}%'"
        );
        assert_eq!(db.one(&left), "0", "{table}");
    }
}

#[test]
fn what_a_platform_row_merely_mentions_may_go_without_it() {
    let db = with_other_tenant();
    db.run("DELETE FROM users WHERE email = 'other@x.org'; DELETE FROM widgets WHERE id = md5('other 2')::uuid");
    assert_eq!(
        db.one("SELECT created_by FROM meetings WHERE room_name = 'other'"),
        "NULL"
    );
    db.run("DELETE FROM meetings WHERE room_name = 'other'");
    assert_eq!(
        db.rows("SELECT widget_id, meeting_id FROM sessions WHERE id = md5('other 4')::uuid"),
        [["NULL", "NULL"]]
    );
    db.run("DELETE FROM sessions WHERE id = md5('other 4')::uuid");
    assert_eq!(
        db.one(&format!(
            "SELECT session_id FROM cost_events WHERE tenant_id = '{OTHER}'"
        )),
        "NULL"
    );
}

#[test]
fn platforms_closed_lists_are_closed() {
    let db = with_other_tenant();
    let mut session = db.session("postgres");
    for (table, column, values) in [
        ("tenants", "plan", "starter growth business enterprise"),
        ("users", "role", "owner admin member"),
        ("sessions", "mode", "text meeting"),
        ("messages", "role", "user assistant system"),
        (
            "cost_events",
            "service",
            "vision voice_stt voice_tts llm embedding livekit",
        ),
        ("budget_alerts", "period", "daily weekly monthly"),
        ("budget_alerts", "severity", "warning critical"),
    ] {
        for value in values.split(' ') {
            session.run(&format!("UPDATE {table} SET {column} = '{value}'"));
        }
        let error = session
            .attempt(&format!("UPDATE {table} SET {column} = 'platinum'"))
            .unwrap_err();
        assert!(error.starts_with("23514"), "{table}.{column}: {error}");
    }
}

#[test]
fn a_page_of_platform_sessions_ends_where_the_next_one_begins() {
    let db = PLATFORM.database();
    // Two instants of three sessions each: a time alone would lose rows between pages.
    db.run(&format!(
        "INSERT INTO sessions (tenant_id, created_at)
         SELECT '{ACME}', timestamp '2026-01-01' + (n / 3) * interval '1 hour' FROM generate_series(0, 5) n"
    ));
    let mut app = db.session("platform_app");
    app.run("BEGIN");
    enter(&mut app, ACME);
    let all = app.rows("SELECT id FROM sessions ORDER BY created_at DESC, id DESC");
    let mut seen = Vec::new();
    let mut cursor = "NULL, NULL".to_owned();
    loop {
        let page = app.rows(&format!(
            "SELECT id, created_at FROM list_sessions('{ACME}', 2, {cursor})"
        ));
        seen.extend(page.iter().take(2).map(|row| vec![row[0].clone()]));
        match page.get(2) {
            Some(next) => cursor = format!("'{}', '{}'", next[1], next[0]),
            None => break,
        }
    }
    assert_eq!(seen, all);
    assert_eq!(seen.len(), 6);
    for limit in ["0", "101", "NULL"] {
        app.run("SAVEPOINT before");
        let error = app
            .attempt(&format!("SELECT list_sessions('{ACME}', {limit})"))
            .unwrap_err();
        assert!(error.starts_with("22023"), "{error}");
        app.run("ROLLBACK TO before");
    }
    let widget = app.rows(&format!(
        "SELECT id FROM list_sessions('{ACME}', 50, NULL, NULL, gen_random_uuid())"
    ));
    assert!(widget.is_empty());
}

#[test]
fn platforms_hybrid_search_weighs_meaning_six_to_four_against_words() {
    let db = PLATFORM.database();
    let axis = |at: u32| {
        format!(
            "(SELECT array_agg((n = {at})::int::real ORDER BY n)::vector FROM generate_series(1, 1024) n)"
        )
    };
    db.run(&format!(
        "INSERT INTO tenants (id, name, api_key) VALUES ('{OTHER}', 'Other', 'pk_other');
         INSERT INTO knowledge_documents (tenant_id, title, content, embedding) VALUES
             ('{ACME}', 'near', 'nothing of the kind', {near}), ('{ACME}', 'far', 'invoices and refunds', {far}),
             ('{ACME}', 'words', 'how refunds work', NULL), ('{OTHER}', 'foreign', 'refunds', {near})",
        near = axis(1),
        far = axis(2),
    ));
    let mut app = db.session("platform_app");
    app.run("BEGIN");
    enter(&mut app, ACME);
    let search = format!(
        "SELECT title, round(combined_score::numeric, 4), round((0.4 * ts_rank(to_tsvector('english', content),
             plainto_tsquery('english', 'refund')) + 0.6 * (title = 'near')::int)::numeric, 4)
         FROM hybrid_search('refund', {}, '{ACME}')",
        axis(1)
    );
    let found = app.rows(&search);
    let titles: Vec<&str> = found.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(titles[0], "near");
    assert!(
        titles.contains(&"far") && titles.contains(&"words") && !titles.contains(&"foreign"),
        "{found:?}"
    );
    for row in &found {
        assert_eq!(row[1], row[2], "{}", row[0]);
    }
    // The tenant is the session's, whatever the argument says.
    let foreign = format!(
        "SELECT count(*) FROM hybrid_search('refund', {}, '{OTHER}')",
        axis(1)
    );
    assert_eq!(app.one(&foreign), "0");
}

#[test]
fn platforms_costs_are_summed_per_period_and_service() {
    let db = PLATFORM.database();
    db.run(&format!(
        "INSERT INTO cost_events (tenant_id, service, tokens_used, cost_usd, \"timestamp\") VALUES
             ('{ACME}', 'llm', 10, 0.000001, '2026-01-01 00:00'), ('{ACME}', 'llm', 5, 0.25, '2026-01-01 23:59'),
             ('{ACME}', 'vision', NULL, 1, '2026-01-01 12:00'), ('{ACME}', 'llm', 1, 2, '2026-01-02 00:00'),
             ('{ACME}', 'llm', 1, 4, '2026-02-01 00:00')"
    ));
    let mut app = db.session("platform_app");
    app.run("BEGIN");
    enter(&mut app, ACME);
    let costs = |unit: &str| {
        format!(
            "SELECT period::date, service, total_cost, total_tokens FROM cost_by_period('{ACME}', '2026-01-01', '2026-01-31'{unit})"
        )
    };
    assert_eq!(
        app.rows(&costs("")),
        [
            ["2026-01-01", "llm", "0.250001", "15"],
            ["2026-01-01", "vision", "1.000000", "NULL"],
            ["2026-01-02", "llm", "2.000000", "1"]
        ]
    );
    assert_eq!(app.rows(&costs(", 'week'")).len(), 2);
    assert_eq!(
        app.rows(&costs(", 'month'")),
        [
            ["2026-01-01", "llm", "2.250001", "16"],
            ["2026-01-01", "vision", "1.000000", "NULL"]
        ]
    );
    let error = app.attempt(&costs(", 'hour'")).unwrap_err();
    assert!(error.starts_with("22023"), "{error}");
}

#[test]
fn platforms_seed_is_acme_to_the_letter() {
    let db = PLATFORM.database();
    let one = |sql: &str| db.rows(sql).remove(0).join(" | ");
    assert_eq!(
        one("SELECT name, api_key ~ '^pk_test_[0-9a-f]{32}$', plan, settings = '{\"maxMonthlySpend\": 1000,
                 \"allowedDomains\": [\"https://acme.com\"], \"features\": [\"chat\", \"meetings\", \"knowledge-base\"]}' FROM tenants"),
        "Acme Corporation | t | business | t"
    );
    assert_eq!(
        one("SELECT email, password_hash, role, name FROM users"),
        "admin@acme.com | ef92b778bafe771e89245b89ecbc08a44a4e166c06659911881f383d4473e94f | owner | John Doe"
    );
    assert_eq!(
        one("SELECT session_token::uuid IS NOT NULL, u.email, expires BETWEEN now() + interval '29 days' AND now() + interval '30 days'
             FROM auth_sessions s JOIN users u ON u.id = s.user_id"),
        "t | admin@acme.com | t"
    );
    assert_eq!(
        one("SELECT name, domain_whitelist, settings = '{\"theme\": \"auto\", \"position\": \"bottom-right\",
                 \"greeting\": \"Hi! How can I help you today?\"}', is_active FROM widgets"),
        "Main Website Widget | [\"https://acme.com\", \"https://www.acme.com\"] | t | t"
    );
    assert_eq!(
        one("SELECT title, content, category, metadata = '{\"source\": \"docs\", \"tags\": [\"beginner\", \"tutorial\"]}', embedding
             FROM knowledge_documents"),
        "Getting Started Guide | Welcome to our platform! Here is how to get started with our AI assistant... | onboarding | t | NULL"
    );
    assert_eq!(
        one(
            "SELECT name, description, system_prompt, temperature, max_tokens, top_p, is_default, is_active FROM ai_personalities"
        ),
        "Helpful Assistant | A friendly and knowledgeable assistant | You are a helpful AI assistant for Acme Corporation. \
         Be friendly, professional, and concise in your responses. | 0.70 | 2000 | 1.00 | t | t"
    );
    let again = PLATFORM.edu(&db, &["db", "seed"]).expect(0);
    assert!(again.says("nothing to do"), "{}", again.stderr);
}

#[test]
fn a_backup_of_it_comes_back_as_it_was() {
    keep(PLATFORM);
}

#[test]
fn platforms_sessions_search_and_log_as_the_document_says() {
    let db = PLATFORM.database();
    let mut session = db.session("platform_app");
    for (setting, value) in [
        ("hnsw.ef_search", "100"),
        ("hnsw.iterative_scan", "strict_order"),
        ("log_min_duration_statement", "100ms"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(session.one(&format!("SHOW {setting}")), value, "{setting}");
    }
}
