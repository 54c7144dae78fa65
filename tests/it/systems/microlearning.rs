//! `examples/microlearning`: text ids, cascades, an ivfflat index after the load, optional policies by user.

use super::{System, columns, counted, keep, life};
use crate::support::{Database, Project, Session};

const MICROLEARNING: System = System("microlearning");

/// The 50 indexes beside the vector index, as the server words them after "ON public.".
const INDEXES: &[&str] = &[
    "users_email_idx users USING btree (email)",
    "users_organization_id_idx users USING btree (organization_id)",
    "users_role_idx users USING btree (role)",
    "learners_organization_id_idx learners USING btree (organization_id)",
    "learners_user_id_idx learners USING btree (user_id)",
    "nuggets_organization_id_idx nuggets USING btree (organization_id)",
    "nuggets_status_idx nuggets USING btree (status)",
    "nuggets_created_at_idx nuggets USING btree (created_at)",
    "narrative_nodes_nugget_id_idx narrative_nodes USING btree (nugget_id)",
    "narrative_nodes_organization_id_idx narrative_nodes USING btree (organization_id)",
    "sessions_learner_id_idx sessions USING btree (learner_id)",
    "sessions_organization_id_idx sessions USING btree (organization_id)",
    "sessions_current_node_id_idx sessions USING btree (current_node_id)",
    "sessions_started_at_idx sessions USING btree (started_at)",
    "sessions_last_activity_idx sessions USING btree (last_activity)",
    "session_nodes_session_id_idx session_nodes USING btree (session_id)",
    "session_nodes_node_id_idx session_nodes USING btree (node_id)",
    "session_nodes_visited_at_idx session_nodes USING btree (visited_at)",
    "messages_session_id_idx messages USING btree (session_id)",
    "messages_created_at_idx messages USING btree (created_at)",
    "messages_role_idx messages USING btree (role)",
    "progress_learner_id_idx progress USING btree (learner_id)",
    "progress_concept_idx progress USING btree (concept)",
    "progress_mastery_level_idx progress USING btree (mastery_level)",
    "watched_folders_organization_id_idx watched_folders USING btree (organization_id)",
    "watched_folders_enabled_idx watched_folders USING btree (enabled)",
    "monitored_urls_organization_id_idx monitored_urls USING btree (organization_id)",
    "monitored_urls_enabled_idx monitored_urls USING btree (enabled)",
    "monitored_urls_last_checked_idx monitored_urls USING btree (last_checked)",
    "ingestion_jobs_organization_id_idx ingestion_jobs USING btree (organization_id)",
    "ingestion_jobs_status_idx ingestion_jobs USING btree (status)",
    "ingestion_jobs_created_at_idx ingestion_jobs USING btree (created_at)",
    "ingestion_jobs_type_idx ingestion_jobs USING btree (type)",
    "nugget_sources_nugget_id_idx nugget_sources USING btree (nugget_id)",
    "nugget_sources_ingestion_job_id_idx nugget_sources USING btree (ingestion_job_id)",
    "nugget_sources_source_type_idx nugget_sources USING btree (source_type)",
    "system_settings_scope_scope_id_idx system_settings USING btree (scope, scope_id)",
    "system_settings_key_idx system_settings USING btree (key)",
    "voice_configs_scope_scope_id_idx voice_configs USING btree (scope, scope_id)",
    "ai_model_configs_scope_scope_id_idx ai_model_configs USING btree (scope, scope_id)",
    "analytics_learner_id_idx analytics USING btree (learner_id)",
    "analytics_organization_id_idx analytics USING btree (organization_id)",
    "analytics_event_type_idx analytics USING btree (event_type)",
    "analytics_timestamp_idx analytics USING btree (\"timestamp\")",
    "nuggets_content_fts_idx nuggets USING gin (to_tsvector('english'::regconfig, content))",
    "sessions_learner_activity_idx sessions USING btree (learner_id, last_activity DESC)",
    "messages_session_created_idx messages USING btree (session_id, created_at)",
    "progress_learner_concept_idx progress USING btree (learner_id, concept)",
    "nuggets_ready_idx nuggets USING btree (organization_id, created_at) WHERE (status = 'ready'::text)",
    "ingestion_jobs_pending_idx ingestion_jobs USING btree (organization_id, created_at) WHERE (status = 'pending'::text)",
];

/// What is deleted, and how many rows each table has then; tables that are not named keep theirs.
type Cascade = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Every rule of the document, one by one.
const CASCADES: &[Cascade] = &[
    (
        "an organization takes all related data along",
        "DELETE FROM organizations",
        &[
            ("organizations", "0"),
            ("users", "0"),
            ("learners", "0"),
            ("nuggets", "0"),
            ("narrative_nodes", "0"),
            ("sessions", "0"),
            ("session_nodes", "0"),
            ("messages", "0"),
            ("progress", "0"),
            ("watched_folders", "0"),
            ("monitored_urls", "0"),
            ("ingestion_jobs", "0"),
            ("nugget_sources", "0"),
            ("analytics", "0"),
        ],
    ),
    (
        "a user takes the learner along",
        "DELETE FROM users WHERE id = 'user-learner'",
        &[
            ("users", "2"),
            ("learners", "0"),
            ("sessions", "0"),
            ("session_nodes", "0"),
            ("messages", "0"),
            ("progress", "0"),
        ],
    ),
    (
        "a learner takes sessions and progress along, and leaves the events",
        "DELETE FROM learners",
        &[
            ("learners", "0"),
            ("sessions", "0"),
            ("session_nodes", "0"),
            ("messages", "0"),
            ("progress", "0"),
        ],
    ),
    (
        "a session takes its messages and visits along",
        "DELETE FROM sessions",
        &[("sessions", "0"), ("session_nodes", "0"), ("messages", "0")],
    ),
    (
        "a nugget takes its nodes and sources along, with the visits",
        "DELETE FROM nuggets WHERE id = 'nugget-ivfflat'",
        &[
            ("nuggets", "1"),
            ("narrative_nodes", "1"),
            ("nugget_sources", "1"),
            ("session_nodes", "1"),
            ("sessions WHERE current_node_id IS NULL", "1"),
        ],
    ),
    (
        "a node takes its visits along and leaves the session without a place",
        "DELETE FROM narrative_nodes WHERE id = 'node-vectors'",
        &[
            ("narrative_nodes", "1"),
            ("session_nodes", "1"),
            ("sessions WHERE current_node_id IS NULL", "1"),
        ],
    ),
    (
        "an ingestion job leaves its sources without a job",
        "DELETE FROM ingestion_jobs",
        &[
            ("ingestion_jobs", "0"),
            ("nugget_sources WHERE ingestion_job_id IS NULL", "2"),
        ],
    ),
];

/// All tables.
const ALL: [&str; 17] = [
    "organizations",
    "users",
    "learners",
    "nuggets",
    "narrative_nodes",
    "sessions",
    "session_nodes",
    "messages",
    "progress",
    "watched_folders",
    "monitored_urls",
    "ingestion_jobs",
    "nugget_sources",
    "system_settings",
    "voice_configs",
    "ai_model_configs",
    "analytics",
];

fn count(session: &mut Session, from: &str) -> String {
    session.one(&format!("SELECT count(*) FROM {from}"))
}

#[track_caller]
fn plan_has(session: &mut Session, sql: &str, part: &str) {
    let plan = session.rows(&format!("EXPLAIN {sql}"));
    assert!(plan.iter().any(|line| line[0].contains(part)), "{plan:?}");
}

/// A vector with 1 at `n` and nothing elsewhere.
fn unit(n: u32) -> String {
    format!(
        "(array_fill(0::real, ARRAY[{n} - 1]) || ARRAY[1::real] || array_fill(0::real, ARRAY[1536 - {n}]))::vector"
    )
}

/// The document's findSimilarNuggets, by distance.
fn similar(to: &str, organization: &str, threshold: &str, limit: u32) -> String {
    format!(
        "SELECT n.id, round((1 - (n.embedding <=> {to}))::numeric, 3) AS similarity FROM nuggets n
         WHERE n.organization_id = '{organization}' AND n.status = 'ready' AND n.embedding IS NOT NULL
           AND (n.embedding <=> {to}) < 1 - {threshold}
         ORDER BY n.embedding <=> {to} LIMIT {limit}"
    )
}

#[test]
fn microlearning_lives_from_nothing_and_back() {
    life(MICROLEARNING);
}

#[test]
fn microlearning_has_what_its_document_wants() {
    counted(MICROLEARNING);
    columns(MICROLEARNING);
    let db = MICROLEARNING.database();
    MICROLEARNING.edu(&db, &["db", "verify"]).expect(0);
    MICROLEARNING.edu(&db, &["db", "rls"]).expect(0);
}

#[test]
fn each_index_is_there_under_its_name() {
    let db = MICROLEARNING.database();
    let found = db.rows(
        "SELECT indexname || ' ' || split_part(indexdef, ' ON public.', 2) FROM pg_indexes i
         WHERE schemaname = 'public' AND tablename <> 'refinery_schema_history' AND indexdef NOT LIKE '%ivfflat%'
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conname = i.indexname AND k.contype IN ('p', 'u'))",
    );
    let mut found: Vec<String> = found.into_iter().map(|mut row| row.remove(0)).collect();
    let mut wanted: Vec<String> = INDEXES.iter().map(|one| (*one).to_owned()).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(
        db.one("SELECT pg_get_indexdef('nuggets_embedding_idx'::regclass)"),
        "CREATE INDEX nuggets_embedding_idx ON public.nuggets USING ivfflat (embedding vector_cosine_ops) WITH (lists='100')"
    );
    assert_eq!(
        db.one("SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'u' AND connamespace = 'public'::regnamespace"),
        "ai_model_configs_scope_scope_id_key learners_user_id_key progress_learner_id_concept_key \
         system_settings_key_key users_email_key voice_configs_scope_scope_id_key"
    );
}

#[test]
fn keys_follow_their_updates_and_times_have_milliseconds_and_no_zone() {
    let db = MICROLEARNING.database();
    assert_eq!(
        db.one(
            "SELECT string_agg(confupdtype || confdeltype || n, ' ' ORDER BY confdeltype) FROM (
             SELECT confupdtype::text, confdeltype::text, count(*) AS n FROM pg_constraint
             WHERE contype = 'f' AND connamespace = 'public'::regnamespace GROUP BY 1, 2) x"
        ),
        "cc17 cn2"
    );
    db.run("UPDATE users SET id = 'user-renamed' WHERE id = 'user-learner'");
    assert_eq!(db.one("SELECT user_id FROM learners"), "user-renamed");
    assert_eq!(
        db.one(
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE a.atttypmod = 3 AND a.atttypid = 'timestamp'::regtype)
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'refinery_schema_history'
               AND a.attnum > 0 AND a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype)"
        ),
        "31 31"
    );
    assert_eq!(db.one("SHOW timezone"), "UTC");
}

#[test]
fn deletions_cascade_as_the_document_says_one_by_one() {
    let db = MICROLEARNING.database();
    let mut session = db.session("postgres");
    for (what, sql, left) in CASCADES {
        let before: Vec<String> = ALL.iter().map(|table| count(&mut session, table)).collect();
        session.run("BEGIN");
        session.run(sql);
        for (from, wanted) in *left {
            assert_eq!(count(&mut session, from), *wanted, "{what}: {from}");
        }
        for (table, before) in ALL.iter().zip(&before) {
            if !left.iter().any(|(from, _)| from == table) {
                assert_eq!(count(&mut session, table), *before, "{what}: {table}");
            }
        }
        session.run("ROLLBACK");
    }
}

#[test]
fn ids_and_times_are_made_by_the_database_and_updated_at_follows() {
    let db = MICROLEARNING.database();
    let mut session = db.session("lms_user");
    assert_eq!(
        session.one("INSERT INTO organizations (name) VALUES ('New') RETURNING (id ~ '^[0-9a-f-]{36}$' AND created_at = updated_at)::text"),
        "true"
    );
    let triggered = session.rows(
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'set_updated_at' ORDER BY 1",
    );
    let triggered: Vec<&str> = triggered.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        triggered,
        [
            "ai_model_configs",
            "learners",
            "monitored_urls",
            "nuggets",
            "organizations",
            "progress",
            "system_settings",
            "users",
            "voice_configs",
            "watched_folders"
        ]
    );
    for table in triggered {
        let old = "timestamp '2020-01-01'";
        session.run(&format!("UPDATE {table} SET updated_at = {old}"));
        assert_eq!(
            count(&mut session, &format!("{table} WHERE updated_at <> {old}")),
            "0",
            "{table}: a given value wins"
        );
        session.run(&format!("UPDATE {table} SET id = id"));
        assert_eq!(
            count(&mut session, &format!("{table} WHERE updated_at = {old}")),
            "0",
            "{table}: it is refreshed"
        );
    }
    assert_eq!(
        session.one("INSERT INTO watched_folders (organization_id, path) VALUES ('org-dev', '/x') RETURNING concat_ws(' ', enabled, file_types, recursive, auto_process)"),
        "t {pdf,docx,txt} t t"
    );
    assert_eq!(
        session.one("SELECT concat_ws(' ', content_generation_model, narrative_planning_model, tutoring_model, metadata_model, embedding_model,
                     content_generation_temp, narrative_planning_temp, tutoring_temp) FROM ai_model_configs"),
        "gpt-5.1-mini gpt-5.1-mini gpt-5.1-mini gpt-5.1-nano text-embedding-3-small 0.7 0.8 0.7"
    );
    assert_eq!(
        session.one("SELECT check_interval::text FROM monitored_urls"),
        "5"
    );
}

#[test]
fn what_is_unique_is_refused_twice_the_systems_scope_included() {
    let db = MICROLEARNING.database();
    let mut session = db.session("postgres");
    for (sql, key) in [
        (
            "INSERT INTO users (email, name, role, organization_id) VALUES ('admin@lms.dev', 'n', 'admin', 'org-dev')",
            "users_email_key",
        ),
        (
            "INSERT INTO learners (user_id, organization_id, profile) VALUES ('user-learner', 'org-dev', '{}')",
            "learners_user_id_key",
        ),
        (
            "INSERT INTO progress (learner_id, concept, mastery_level) VALUES ('learner-lea', 'joins', 1)",
            "progress_learner_id_concept_key",
        ),
        (
            "INSERT INTO system_settings (key, value, scope, scope_id) VALUES ('theme', '{}', 'organization', 'org-dev')",
            "system_settings_key_key",
        ),
        (
            "INSERT INTO voice_configs (scope, tts_provider, stt_provider, quality_tier) VALUES ('system', 'x', 'x', 'low')",
            "voice_configs_scope_scope_id_key",
        ),
        (
            "INSERT INTO ai_model_configs (scope) VALUES ('system')",
            "ai_model_configs_scope_scope_id_key",
        ),
    ] {
        let error = session.attempt(sql).unwrap_err();
        assert!(
            error.starts_with("23505") && error.contains(key),
            "{sql}: {error}"
        );
    }
    session
        .run("INSERT INTO ai_model_configs (scope, scope_id) VALUES ('organization', 'org-dev')");
}

#[test]
fn texts_pending_jobs_and_ready_nuggets_are_found_through_their_indexes() {
    let db = MICROLEARNING.database();
    let mut session = db.session("postgres");
    session.run("SET enable_seqscan = off");
    let words = "SELECT id FROM nuggets WHERE to_tsvector('english', content) @@ plainto_tsquery('english', 'sorted keys')";
    assert_eq!(session.one(words), "nugget-btree");
    plan_has(&mut session, words, "nuggets_content_fts_idx");
    for (sql, index) in [
        (
            "SELECT id FROM nuggets WHERE organization_id = 'org-dev' AND status = 'ready' ORDER BY created_at LIMIT 1",
            "nuggets_ready_idx",
        ),
        (
            "SELECT id FROM ingestion_jobs WHERE organization_id = 'org-dev' AND status = 'pending' ORDER BY created_at LIMIT 1",
            "ingestion_jobs_pending_idx",
        ),
        (
            "SELECT id FROM sessions WHERE learner_id = 'learner-lea' ORDER BY last_activity DESC LIMIT 1",
            "sessions_learner_activity_idx",
        ),
        (
            "SELECT id FROM messages WHERE session_id = 'session-first' ORDER BY created_at LIMIT 1",
            "messages_session_created_idx",
        ),
    ] {
        plan_has(&mut session, sql, index);
    }
}

#[test]
fn documents_in_json_have_their_shapes_and_passwords_their_hashes() {
    let db = MICROLEARNING.database();
    let keys = |column: &str, from: &str| {
        format!(
            "SELECT string_agg(k, ' ' ORDER BY k) FROM (SELECT DISTINCT jsonb_object_keys({column}) AS k FROM {from}) x"
        )
    };
    for (sql, wanted) in [
        (
            keys("profile", "learners"),
            "goals interests learningStyle preferredDifficulty",
        ),
        (
            keys("metadata", "nuggets"),
            "difficulty estimatedTime prerequisites relatedConcepts topics",
        ),
        (
            keys("c", "narrative_nodes, jsonb_array_elements(choices) c"),
            "confirmsMastery id nextNodeId revealsGap text",
        ),
        (
            "SELECT string_agg(value, ' ') FROM sessions, jsonb_array_elements_text(path_history)"
                .to_owned(),
            "node-start node-vectors",
        ),
        (
            "SELECT (mastery_map ->> 'joins') || ' ' || knowledge_gaps[1] FROM learners".to_owned(),
            "80 vector search",
        ),
        (
            "SELECT count(*)::text FROM users WHERE password_hash LIKE '$argon2id$%'".to_owned(),
            "3",
        ),
    ] {
        assert_eq!(db.one(&sql), wanted, "{sql}");
    }
}

#[test]
fn similar_nuggets_are_found_by_distance_through_the_index() {
    let db = MICROLEARNING.database();
    db.run(&format!(
        "INSERT INTO organizations (id, name) VALUES ('org-other', 'Other');
         INSERT INTO nuggets (id, organization_id, content, status) VALUES ('pending', 'org-dev', 'c', 'pending'),
            ('other', 'org-other', 'c', 'ready'), ('unembedded', 'org-dev', 'c', 'ready'), ('far', 'org-dev', 'c', 'ready');
         -- insertEmbedding of the document: the numbers as JSON text.
         UPDATE nuggets SET embedding = (SELECT jsonb_agg(CASE WHEN i = 7 THEN 1 ELSE 0 END) FROM generate_series(1, 1536) i)::text::vector
         WHERE id IN ('nugget-btree', 'pending', 'other');
         UPDATE nuggets SET embedding = ({a} + {b}) WHERE id = 'nugget-ivfflat';
         UPDATE nuggets SET embedding = {b} WHERE id = 'far'",
        a = unit(7),
        b = unit(8)
    ));
    let mut session = db.session("postgres");
    session.run("SET ivfflat.probes = 100");
    let found = session.rows(&similar(&unit(7), "org-dev", "0.7", 20));
    let found: Vec<String> = found.iter().map(|row| row.join(" ")).collect();
    assert_eq!(found, ["nugget-btree 1.000", "nugget-ivfflat 0.707"]);
    assert_eq!(
        session.rows(&similar(&unit(7), "org-dev", "0.8", 20)).len(),
        1
    );
    assert_eq!(session.rows(&similar(&unit(7), "org-dev", "0", 1)).len(), 1);
    session.run("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off");
    plan_has(
        &mut session,
        &similar(&unit(7), "org-dev", "0.7", 20),
        "nuggets_embedding_idx",
    );
    // The printed order, by similarity, cannot use it.
    let printed = similar(&unit(7), "org-dev", "0.7", 20).replace(
        &format!("ORDER BY n.embedding <=> {}", unit(7)),
        "ORDER BY similarity DESC",
    );
    let plan = session.rows(&format!("EXPLAIN {printed}"));
    assert!(
        !plan
            .iter()
            .any(|line| line[0].contains("nuggets_embedding_idx")),
        "{plan:?}"
    );
    let distances = session.one(&format!(
        "SELECT concat_ws(' ', round(({a} <=> {b})::numeric, 3), round(({a} <-> {b})::numeric, 3), ({a} <#> {a}))",
        a = unit(7),
        b = unit(8)
    ));
    assert_eq!(distances, "1.000 1.414 -1");
}

#[test]
fn the_vector_index_is_built_again_after_the_load_and_then_finds_its_neighbours() {
    let db = MICROLEARNING.database();
    let lists = |db: &Database| {
        db.one("SELECT obj_description('nuggets_embedding_idx'::regclass, 'pg_class')")
    };
    let before = lists(&db);
    // Thirty clusters of a hundred: a centre each, and a little of something else.
    db.run(
        "SELECT setseed(0.5);
         CREATE TEMP TABLE centre AS SELECT c, array_agg(random() - 0.5) AS at FROM generate_series(1, 30) c, generate_series(1, 1536) GROUP BY c;
         INSERT INTO nuggets (organization_id, content, status, embedding)
         SELECT 'org-dev', 'c', 'ready', (SELECT array_agg((e + (random() - 0.5) * 0.7)::real ORDER BY o)::vector
             FROM unnest(centre.at) WITH ORDINALITY AS x (e, o) WHERE n > 0)
         FROM centre, generate_series(1, 100) n;
         ANALYZE nuggets",
    );
    let status = MICROLEARNING.edu(&db, &["db", "index", "status"]).expect(1);
    assert!(
        status.says("its lists were made when the table had"),
        "{status:?}"
    );
    let built = MICROLEARNING.edu(&db, &["db", "index"]).expect(0);
    assert!(built.says("built in"), "{built:?}");
    assert_ne!(lists(&db), before);
    assert!(lists(&db).ends_with(" 3002"), "{}", lists(&db));
    MICROLEARNING
        .edu(&db, &["db", "index", "status", "--recall", "30"])
        .expect(0);
    let again = MICROLEARNING.edu(&db, &["db", "index"]).expect(0);
    assert!(
        again.says("valid, as declared") || again.says("nothing to do"),
        "{again:?}"
    );
    MICROLEARNING.edu(&db, &["db", "verify"]).expect(0);
}

/// The project with row-level security switched on.
fn with_policies() -> Project {
    let project = Project::copy(&MICROLEARNING.folder());
    let manifest = std::fs::read_to_string(project.path().join("edu.toml")).unwrap();
    let on = manifest.replace("row_level_security = false", "row_level_security = true");
    assert_ne!(on, manifest);
    project.write("edu.toml", &on);
    project
}

/// A session of one user, as an application has it.
fn user(db: &Database, id: &str) -> Session {
    let mut session = db.session("lms_login");
    session.run(&format!(
        "BEGIN; SELECT set_config('app.current_user_id', '{id}', true); SET LOCAL ROLE lms_app"
    ));
    session
}

#[test]
fn row_level_security_is_off_until_the_option_is_on_and_off_again_after_it() {
    let db = MICROLEARNING.database();
    let secured = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace";
    assert_eq!(db.one(secured), "0");
    assert_eq!(user(&db, "nobody").one("SELECT count(*) FROM nuggets"), "2");
    let (project, url) = (with_policies(), db.url());
    let edu = |args: &[&str]| project.edu(&[args, &["--url", &url]].concat());
    edu(&["db", "migrate"]).expect(0);
    edu(&["db", "verify"]).expect(0);
    edu(&["db", "rls"]).expect(0);
    assert_eq!(db.one(secured), "2");
    // Off again: what is applied is undone first, and said to be.
    let refused = MICROLEARNING.edu(&db, &["db", "migrate"]).expect(4);
    assert!(refused.says("edu db rollback"), "{refused:?}");
    MICROLEARNING
        .edu(&db, &["db", "rollback", "--to", "1", "--yes"])
        .expect(0);
    MICROLEARNING.edu(&db, &["db", "migrate"]).expect(0);
    MICROLEARNING.edu(&db, &["db", "verify"]).expect(0);
    assert_eq!(db.one(secured), "0");
}

#[test]
fn with_the_option_users_read_their_organizations_nuggets_and_learners_their_sessions() {
    let db = MICROLEARNING.database();
    with_policies()
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    db.run(
        "INSERT INTO organizations (id, name) VALUES ('org-other', 'Other');
         INSERT INTO users (id, email, name, role, organization_id) VALUES ('user-other', 'o@lms.dev', 'O', 'learner', 'org-other');
         INSERT INTO nuggets (id, organization_id, content) VALUES ('nugget-other', 'org-other', 'c')",
    );
    for (who, nuggets, sessions) in [
        ("user-learner", "2", "1"),
        ("user-instructor", "2", "0"),
        ("user-other", "1", "0"),
        ("nobody", "0", "0"),
        ("", "0", "0"),
    ] {
        let mut session = user(&db, who);
        assert_eq!(count(&mut session, "nuggets"), nuggets, "{who}");
        assert_eq!(count(&mut session, "sessions"), sessions, "{who}");
    }
    let mut unset = db.session("lms_login");
    unset.run("BEGIN; SET LOCAL ROLE lms_app");
    assert_eq!(
        count(&mut unset, "nuggets"),
        "0",
        "a session without the setting"
    );
    // Reading alone: no policy admits a write of the application, and the owner is not bound.
    let mut learner = user(&db, "user-learner");
    assert_eq!(learner.attempt("UPDATE sessions SET mode = 'voice'"), Ok(0));
    assert_eq!(learner.attempt("DELETE FROM nuggets"), Ok(0));
    let refused =
        learner.attempt("INSERT INTO nuggets (organization_id, content) VALUES ('org-dev', 'c')");
    assert!(refused.unwrap_err().starts_with("42501"));
    assert_eq!(
        db.session("lms_user").one("SELECT count(*) FROM nuggets"),
        "3"
    );
    let policies = db.rows("SELECT polname, polcmd::text FROM pg_policy ORDER BY 1");
    assert_eq!(
        policies,
        [
            ["nugget_organization_access", "r"],
            ["session_learner_access", "r"]
        ]
    );
}

#[test]
fn a_backup_of_it_comes_back_as_it_was() {
    keep(MICROLEARNING);
}
