//! Nuclom: video collaboration, organizations isolated by membership.

use super::{System, columns, counted, keep, life};
use crate::support::{Database, Session};

const NUCLOM: System = System("nuclom");

/// All tables, in an order in which nothing matters.
const ALL: [&str; 25] = [
    "users",
    "user_extensions",
    "user_preferences",
    "organizations",
    "organization_users",
    "channels",
    "collections",
    "videos",
    "comments",
    "video_progress",
    "video_moments",
    "video_clips",
    "highlight_reels",
    "quote_cards",
    "decisions",
    "decision_participants",
    "decision_tags",
    "decision_tag_assignments",
    "decision_links",
    "decision_subscriptions",
    "decision_edits",
    "ai_topics",
    "ai_action_items",
    "transcript_chunks",
    "knowledge_nodes",
];

/// Enters a user's context as an application does.
fn user(db: &Database, id: &str) -> Session {
    let mut session = db.session("nuclom_login");
    session.run(&format!("BEGIN; SELECT public.run_as_user('{id}')"));
    session
}

/// Attempts something inside a savepoint: rows changed, or the SQLSTATE. Undone in any case.
fn tried(session: &mut Session, sql: &str) -> Result<u64, String> {
    session.run("SAVEPOINT one");
    let outcome = session.attempt(sql);
    session.run("ROLLBACK TO SAVEPOINT one");
    outcome.map_err(|error| error.split(' ').next().unwrap_or_default().to_owned())
}

/// Asserts what queries give.
#[track_caller]
fn counts(db: &Database, wanted: &[(&str, &str, &str)]) {
    let found = wanted.iter().map(|(what, sql, _)| (*what, db.one(sql)));
    let wrong: Vec<String> = found
        .zip(wanted)
        .filter(|((_, found), (_, _, number))| found != number)
        .map(|((what, found), (_, _, number))| format!("{what}: {found}, not {number}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nuclom_lives_from_nothing_and_back() {
    life(NUCLOM);
}

#[test]
fn nuclom_has_what_its_document_wants() {
    counted(NUCLOM);
    columns(NUCLOM);
    let db = NUCLOM.database();
    NUCLOM.edu(&db, &["db", "verify"]).expect(0);
    NUCLOM.edu(&db, &["db", "rls"]).expect(0);
}

#[test]
fn a_policy_that_asks_for_no_membership_is_found_by_proof_and_attempts() {
    let db = NUCLOM.database();
    db.run("ALTER POLICY organization_isolation ON decision_tags USING (true)");
    let run = NUCLOM.edu(&db, &["db", "rls", "--here"]).expect(1);
    for told in ["policy-wider-than-declared", "foreign-rows-reached"] {
        assert!(run.says(told), "{told}: {}", run.stdout);
    }
}

#[test]
fn rules_of_deletion_methods_and_policies_are_as_many_as_wanted() {
    let db = NUCLOM.database();
    counts(
        &db,
        &[
            (
                "foreign keys by ON DELETE: no action, cascade, set null",
                "SELECT string_agg(confdeltype || n, ' ' ORDER BY confdeltype) FROM (SELECT confdeltype::text, count(*) AS n
                 FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace GROUP BY 1) x",
                "a6 c37 n6",
            ),
            (
                "composite uniques",
                "SELECT count(*) FROM pg_constraint WHERE contype = 'u' AND cardinality(conkey) = 2
                 AND connamespace = 'public'::regnamespace",
                "9",
            ),
            (
                "tables with policy organization_isolation",
                "SELECT count(DISTINCT polrelid) FROM pg_policy WHERE polname = 'organization_isolation'",
                "22",
            ),
            (
                "GIN indexes",
                "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE indexdef LIKE '%USING gin (search_vector)'",
                "idx_decisions_search_vector idx_videos_search_vector",
            ),
        ],
    );
    assert_eq!(
        db.one("SELECT pg_get_indexdef('transcript_chunks_embedding_idx'::regclass)"),
        "CREATE INDEX transcript_chunks_embedding_idx ON public.transcript_chunks USING hnsw \
         (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')"
    );
}

#[test]
fn enumerations_are_quoted_and_mixed_case_with_their_values_in_order() {
    let db = NUCLOM.database();
    let found = db.rows(
        "SELECT t.typname, string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_type t
         JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname ORDER BY t.typname",
    );
    let found: Vec<String> = found.iter().map(|row| row.join(": ")).collect();
    assert_eq!(
        found,
        [
            "ActionItemPriority: high medium low",
            "ActionItemStatus: pending in_progress completed cancelled",
            "ClipStatus: pending processing ready failed",
            "ClipType: auto manual",
            "HighlightReelStatus: draft rendering ready failed",
            "MomentType: decision action_item question answer emphasis demonstration conclusion highlight",
            "OrganizationRole: OWNER ADMIN MEMBER",
            "ProcessingStatus: pending transcribing diarizing analyzing completed failed",
            "TopicTrend: rising stable declining",
        ]
    );
    let wrong = db
        .session("postgres")
        .attempt("UPDATE organization_users SET role = 'GUEST'");
    assert!(wrong.unwrap_err().starts_with("22P02"));
}

#[test]
fn every_foreign_key_column_leads_an_index_33_of_which_nobody_printed() {
    let db = NUCLOM.database();
    let unled = db.rows(
        "SELECT k.conrelid::regclass || '.' || a.attname FROM pg_constraint k
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
         WHERE k.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i
            WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1] AND i.indisvalid AND i.indpred IS NULL)",
    );
    assert!(unled.is_empty(), "{unled:?}");
    let printed = [
        "idx_videos_organization_id",
        "idx_comments_video_id",
        "idx_video_progress_user_id",
        "idx_organization_users_organization_id",
    ];
    let named = db.rows(
        "SELECT i.indexrelid::regclass::text FROM pg_constraint k
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
         JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_index i ON i.indrelid = k.conrelid
            AND i.indexrelid = to_regclass('public.idx_' || c.relname || '_' || a.attname)
         WHERE k.contype = 'f'",
    );
    let inferred = named
        .iter()
        .filter(|row| !printed.contains(&row[0].as_str()))
        .count();
    assert_eq!((named.len(), inferred), (37, 33));
    for (index, columns) in [
        (
            "idx_videos_organization_channel",
            "(organization_id, channel_id)",
        ),
        ("idx_comments_video_parent", "(video_id, parent_id)"),
        ("ai_topics_org_idx", "(organization_id)"),
        ("ai_topics_trend_idx", "(organization_id, trend)"),
        ("ai_action_items_org_idx", "(organization_id, status)"),
        ("ai_action_items_video_idx", "(video_id)"),
        ("ai_action_items_status_idx", "(status, priority)"),
    ] {
        let definition = db.one(&format!("SELECT pg_get_indexdef('{index}'::regclass)"));
        assert!(definition.ends_with(columns), "{definition}");
    }
}

#[test]
fn an_organization_goes_with_everything_in_it_and_its_people_stay() {
    let db = NUCLOM.database();
    db.run("DELETE FROM organizations WHERE id = 'org-nuclom'");
    for table in ALL {
        let left = db.one(&format!("SELECT count(*) FROM {table}"));
        let wanted = match table {
            "users" => "3",
            "organizations" | "organization_users" | "user_extensions" => "1",
            _ => "0",
        };
        assert_eq!(left, wanted, "{table}");
    }
}

/// A user with a row wherever one can have one.
const DAN: &str = "INSERT INTO users (id, email) VALUES ('user-dan', 'dan@nuclom.dev');
         INSERT INTO user_extensions (user_id) VALUES ('user-dan');
         INSERT INTO user_preferences (user_id) VALUES ('user-dan');
         INSERT INTO organization_users (user_id, organization_id) VALUES ('user-dan', 'org-nuclom');
         INSERT INTO comments (content, author_id, video_id) VALUES ('Mine', 'user-dan', 'video-database');
         INSERT INTO comments (content, author_id, video_id, parent_id)
            SELECT 'An answer', 'user-ada', 'video-database', id FROM comments WHERE author_id = 'user-dan';
         INSERT INTO video_progress (user_id, video_id, \"current_time\") VALUES ('user-dan', 'video-database', '1');
         INSERT INTO decision_participants (decision_id, user_id) VALUES ('decision-postgresql', 'user-dan');
         INSERT INTO decision_subscriptions (user_id, tag_id) VALUES ('user-dan', 'tag-storage');
         INSERT INTO decision_edits (decision_id, user_id, field_changed) VALUES ('decision-postgresql', 'user-dan', 'summary');
         INSERT INTO video_clips (id, video_id, organization_id, title, start_time, end_time, clip_type, created_by)
            VALUES ('clip-dan', 'video-database', 'org-nuclom', 'c', 0, 1, 'manual', 'user-dan');
         INSERT INTO highlight_reels (id, organization_id, title, created_by) VALUES ('reel-dan', 'org-nuclom', 'r', 'user-dan');
         INSERT INTO quote_cards (id, video_id, organization_id, quote_text, created_by)
            VALUES ('card-dan', 'video-database', 'org-nuclom', 'q', 'user-dan');
         UPDATE ai_action_items SET assignee_user_id = 'user-dan', completed_by_id = 'user-dan'";

#[test]
fn a_user_takes_the_own_rows_along_and_leaves_what_others_work_with() {
    let db = NUCLOM.database();
    db.run(DAN);
    let others = db.one("SELECT count(*) FROM comments WHERE author_id <> 'user-dan'");
    assert_eq!(others, "3");
    db.run("DELETE FROM users WHERE id = 'user-dan'");
    counts(
        &db,
        &[
            (
                "settings",
                "SELECT (SELECT count(*) FROM user_extensions) || ' ' || (SELECT count(*) FROM user_preferences)",
                "1 0",
            ),
            (
                "memberships",
                "SELECT count(*) FROM organization_users WHERE organization_id = 'org-nuclom'",
                "2",
            ),
            (
                "comments, the answer to the own one too",
                "SELECT count(*) FROM comments",
                "2",
            ),
            ("progress", "SELECT count(*) FROM video_progress", "1"),
            (
                "participations",
                "SELECT count(*) FROM decision_participants",
                "2",
            ),
            (
                "subscriptions",
                "SELECT count(*) FROM decision_subscriptions",
                "1",
            ),
            ("edits", "SELECT count(*) FROM decision_edits", "1"),
            (
                "clip stays",
                "SELECT count(*) FROM video_clips WHERE id = 'clip-dan' AND created_by IS NULL",
                "1",
            ),
            (
                "reel stays",
                "SELECT count(*) FROM highlight_reels WHERE id = 'reel-dan' AND created_by IS NULL",
                "1",
            ),
            (
                "card stays",
                "SELECT count(*) FROM quote_cards WHERE id = 'card-dan' AND created_by IS NULL",
                "1",
            ),
            (
                "action item stays",
                "SELECT count(*) FROM ai_action_items WHERE assignee_user_id IS NULL AND completed_by_id IS NULL",
                "1",
            ),
        ],
    );
}

#[test]
fn what_something_else_names_without_a_rule_cannot_be_deleted_alone() {
    let db = NUCLOM.database();
    let mut session = db.session("postgres");
    for (sql, key) in [
        ("DELETE FROM channels", "videos_channel_id_fkey"),
        ("DELETE FROM collections", "videos_collection_id_fkey"),
        ("DELETE FROM videos", "decisions_video_id_fkey"),
        (
            "DELETE FROM decisions WHERE id = 'decision-postgresql'",
            "decisions_superseded_by_id_fkey",
        ),
        (
            "DELETE FROM users WHERE id = 'user-ben'",
            "decisions_created_by_id_fkey",
        ),
    ] {
        let error = session.attempt(sql).unwrap_err();
        assert!(
            error.starts_with("23503") && error.contains(key),
            "{sql}: {error}"
        );
    }
    db.run("UPDATE decisions SET created_by_id = NULL");
    let error = session
        .attempt("DELETE FROM users WHERE id = 'user-ada'")
        .unwrap_err();
    assert!(error.contains("videos_author_id_fkey"), "{error}");
}

#[test]
fn a_video_takes_its_parts_along_and_a_moment_leaves_its_clips() {
    let db = NUCLOM.database();
    db.run(
        "DELETE FROM video_moments;
         INSERT INTO quote_cards (video_id, organization_id, quote_text) VALUES ('video-database', 'org-nuclom', 'q');
         INSERT INTO transcript_chunks (video_id, organization_id, chunk_index, text) VALUES ('video-database', 'org-nuclom', 0, 't')",
    );
    assert_eq!(
        db.one("SELECT count(*) FROM video_clips WHERE moment_id IS NULL"),
        "1"
    );
    db.run("UPDATE decisions SET video_id = NULL; DELETE FROM videos");
    for table in [
        "comments",
        "video_progress",
        "video_clips",
        "quote_cards",
        "ai_action_items",
        "transcript_chunks",
    ] {
        assert_eq!(
            db.one(&format!("SELECT count(*) FROM {table}")),
            "0",
            "{table}"
        );
    }
    assert_eq!(db.one("SELECT count(*) FROM decisions"), "2");
    db.run("UPDATE decisions SET superseded_by_id = NULL; DELETE FROM decision_tags; DELETE FROM decisions");
    for table in [
        "decision_participants",
        "decision_tag_assignments",
        "decision_links",
        "decision_subscriptions",
        "decision_edits",
    ] {
        assert_eq!(
            db.one(&format!("SELECT count(*) FROM {table}")),
            "0",
            "{table}"
        );
    }
}

#[test]
fn pairs_and_names_are_unique_where_they_have_to_be() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO transcript_chunks (video_id, organization_id, chunk_index, text) VALUES ('video-database', 'org-nuclom', 0, 't')",
    );
    let mut session = db.session("postgres");
    for (sql, key) in [
        (
            "INSERT INTO users (email) VALUES ('ada@nuclom.dev')",
            "users_email_key",
        ),
        (
            "INSERT INTO organizations (name, slug) VALUES ('n', 'nuclom-dev')",
            "organizations_slug_key",
        ),
        (
            "INSERT INTO organization_users (user_id, organization_id, role) VALUES ('user-ada', 'org-nuclom', 'ADMIN')",
            "organization_users_user_id_organization_id_key",
        ),
        (
            "INSERT INTO video_progress (user_id, video_id, \"current_time\") VALUES ('user-ben', 'video-database', '')",
            "video_progress_user_id_video_id_key",
        ),
        (
            "INSERT INTO decision_participants (decision_id, user_id) VALUES ('decision-postgresql', 'user-ada')",
            "decision_participants_decision_id_user_id_key",
        ),
        (
            "INSERT INTO decision_tags (organization_id, name) VALUES ('org-nuclom', 'storage')",
            "decision_tags_organization_id_name_key",
        ),
        (
            "INSERT INTO decision_tag_assignments (decision_id, tag_id) VALUES ('decision-postgresql', 'tag-storage')",
            "decision_tag_assignments_decision_id_tag_id_key",
        ),
        (
            "INSERT INTO decision_links (decision_id, target_decision_id, link_type) VALUES ('decision-postgresql', 'decision-document-store', 'depends_on')",
            "decision_links_decision_id_target_decision_id_key",
        ),
        (
            "INSERT INTO decision_subscriptions (user_id, tag_id) VALUES ('user-ben', 'tag-storage')",
            "decision_subscriptions_user_id_tag_id_key",
        ),
        (
            "INSERT INTO ai_topics (organization_id, name, normalized_name) VALUES ('org-nuclom', 'PostgreSQL', 'postgresql')",
            "ai_topics_organization_id_normalized_name_key",
        ),
        (
            "INSERT INTO transcript_chunks (video_id, organization_id, chunk_index, text) VALUES ('video-database', 'org-nuclom', 0, 't')",
            "transcript_chunks_video_id_chunk_index_key",
        ),
    ] {
        let error = session.attempt(sql).unwrap_err();
        assert!(
            error.starts_with("23505") && error.contains(key),
            "{sql}: {error}"
        );
    }
    // The same names in another organization are other names; a link to itself is allowed.
    session.run(
        "INSERT INTO decision_tags (organization_id, name) VALUES ('org-other', 'storage');
         INSERT INTO ai_topics (organization_id, name, normalized_name) VALUES ('org-other', 'PostgreSQL', 'postgresql');
         INSERT INTO decision_links (decision_id, target_decision_id) VALUES ('decision-postgresql', 'decision-postgresql')",
    );
}

#[test]
fn keys_and_defaults_are_made_by_the_database() {
    let db = NUCLOM.database();
    let row = db.rows(
        "WITH v AS (INSERT INTO videos (title, duration, organization_id) VALUES ('t', '1', 'org-other') RETURNING *)
         SELECT (id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4')::text, processing_status::text, (created_at = updated_at)::text,
                coalesce(author_id, channel_id, collection_id, deleted_at::text, 'nothing') FROM v",
    );
    assert_eq!(row[0], ["true", "pending", "true", "nothing"]);
    counts(
        &db,
        &[
            (
                "role",
                "WITH x AS (INSERT INTO organization_users (user_id, organization_id) VALUES ('user-ada', 'org-other') RETURNING role) SELECT role::text FROM x",
                "MEMBER",
            ),
            (
                "decision",
                "WITH x AS (INSERT INTO decisions (organization_id, summary, source) VALUES ('org-other', 's', 'manual') RETURNING status) SELECT status FROM x",
                "decided",
            ),
            (
                "topic",
                "WITH x AS (INSERT INTO ai_topics (organization_id, name, normalized_name) VALUES ('org-other', 'n', 'n') RETURNING *) SELECT concat_ws(' ', mention_count, video_count, trend, trend_score, keywords) FROM x",
                "1 1 stable 0 []",
            ),
            (
                "reel",
                "WITH x AS (INSERT INTO highlight_reels (organization_id, title) VALUES ('org-other', 't') RETURNING *) SELECT concat_ws(' ', clip_ids, status) FROM x",
                "[] draft",
            ),
            (
                "subscription",
                "WITH x AS (INSERT INTO decision_subscriptions (user_id, tag_id) VALUES ('user-ada', 'tag-storage') RETURNING *) SELECT frequency FROM x",
                "instant",
            ),
        ],
    );
}

#[test]
fn the_quoted_column_is_the_place_in_the_video_and_the_unquoted_word_the_clock() {
    let db = NUCLOM.database();
    assert_eq!(
        db.one("SELECT \"current_time\" FROM video_progress"),
        "00:10:00"
    );
    assert_eq!(
        db.one("SELECT pg_typeof(\"current_time\") || ', ' || pg_typeof(current_time) FROM video_progress"),
        "text, time with time zone"
    );
}

#[test]
fn search_vectors_follow_their_texts_and_searches_use_their_index() {
    let db = NUCLOM.database();
    let mut session = db.session("postgres");
    session.run("SET enable_seqscan = off");
    for (table, words, found) in [
        ("videos", "comparing stores", "video-database"),
        ("decisions", "transactions", "decision-postgresql"),
    ] {
        let sql = format!(
            "SELECT id FROM {table} WHERE search_vector @@ websearch_to_tsquery('english', '{words}')"
        );
        assert_eq!(session.one(&sql), found);
        let plan = session.rows(&format!("EXPLAIN {sql}"));
        let index = format!("idx_{table}_search_vector");
        assert!(plan.iter().any(|line| line[0].contains(&index)), "{plan:?}");
    }
    session.run("UPDATE videos SET title = 'Penguins', transcript = NULL");
    let found = |session: &mut Session, word: &str| {
        session.one(&format!(
            "SELECT count(*) FROM videos WHERE search_vector @@ to_tsquery('english', '{word}')"
        ))
    };
    assert_eq!(
        (
            found(&mut session, "penguin"),
            found(&mut session, "compare")
        ),
        ("1".to_owned(), "0".to_owned())
    );
    let wrong = session
        .attempt("UPDATE videos SET search_vector = NULL::tsvector")
        .unwrap_err();
    assert!(wrong.starts_with("428C9"), "{wrong}");
}

#[test]
fn a_superseded_decision_leads_to_the_one_that_holds() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO decisions (id, organization_id, summary, source) VALUES ('decision-managed', 'org-nuclom', 'A managed PostgreSQL', 'manual');
         UPDATE decisions SET status = 'superseded', superseded_by_id = 'decision-managed' WHERE id = 'decision-postgresql'",
    );
    let chain = db.rows(
        "WITH RECURSIVE chain AS (
            SELECT id, status, superseded_by_id, 0 AS step FROM decisions WHERE id = 'decision-document-store'
            UNION ALL
            SELECT d.id, d.status, d.superseded_by_id, step + 1 FROM decisions d JOIN chain c ON d.id = c.superseded_by_id
         ) CYCLE id SET loops USING path
         SELECT id, status FROM chain WHERE NOT loops ORDER BY step",
    );
    let chain: Vec<String> = chain.iter().map(|row| row.join(" ")).collect();
    assert_eq!(
        chain,
        [
            "decision-document-store superseded",
            "decision-postgresql superseded",
            "decision-managed decided"
        ]
    );
    assert_eq!(
        db.one("SELECT count(*) FROM decisions WHERE status = 'decided'"),
        "1"
    );
    assert_eq!(
        db.one("SELECT old_value || ' > ' || new_value FROM decision_edits WHERE field_changed = 'status'"),
        "decided > superseded"
    );
}

#[test]
fn comments_are_threads() {
    let db = NUCLOM.database();
    let thread = db.rows(
        "SELECT c.content, r.content FROM comments c JOIN comments r ON r.parent_id = c.id WHERE c.video_id = 'video-database'",
    );
    assert_eq!(
        thread,
        [[
            "Why not a document store?",
            "We need joins and transactions."
        ]]
    );
    db.run("DELETE FROM comments WHERE id = 'comment-question'");
    assert_eq!(db.one("SELECT count(*) FROM comments"), "0");
}

#[test]
fn transcripts_are_found_by_meaning_through_the_index_and_per_organization() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO videos (id, title, duration, organization_id) VALUES ('video-other', 't', '1', 'org-other');
         INSERT INTO transcript_chunks (video_id, organization_id, chunk_index, text, embedding, timestamp_start, speakers)
         SELECT v.id, v.organization_id, n, v.id || ' ' || n,
                array_fill(0.01::real, ARRAY[n - 1]) || ARRAY[1::real] || array_fill(0.01::real, ARRAY[1536 - n]), n * 10, ARRAY['Ada']
         FROM videos v CROSS JOIN generate_series(2, 200) n; ANALYZE transcript_chunks",
    );
    let query = |n: i32| {
        format!(
            "SELECT text FROM transcript_chunks ORDER BY embedding <=>
             (array_fill(0::real, ARRAY[{n} - 1]) || ARRAY[1::real] || array_fill(0::real, ARRAY[1536 - {n}]))::vector LIMIT 3"
        )
    };
    let mut session = db.session("postgres");
    session.run("SET enable_seqscan = off; SET enable_sort = off");
    let plan = session.rows(&format!("EXPLAIN {}", query(7)));
    assert!(
        plan.iter()
            .any(|line| line[0].contains("transcript_chunks_embedding_idx")),
        "{plan:?}"
    );
    let mut ben = user(&db, "user-ben");
    assert_eq!(ben.one("SHOW hnsw.iterative_scan"), "strict_order");
    for n in [7, 150] {
        let near = ben.rows(&query(n));
        assert_eq!(near.len(), 3);
        assert_eq!(near[0], [format!("video-database {n}")]);
        assert!(
            near.iter().all(|row| row[0].starts_with("video-database")),
            "{near:?}"
        );
    }
}

#[test]
fn expired_videos_are_cleaned_up_and_deleted_ones_only_hidden() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO videos (id, title, duration, organization_id, deleted_at, retention_until) VALUES
            ('hidden', 't', '1', 'org-nuclom', now(), now() + interval '30 days'),
            ('expired', 't', '1', 'org-nuclom', now() - interval '60 days', now() - interval '1 day')",
    );
    assert_eq!(
        db.one("SELECT count(*) FROM videos WHERE deleted_at IS NULL"),
        "1"
    );
    db.run("DELETE FROM videos WHERE retention_until < now()");
    assert_eq!(
        db.one("SELECT string_agg(id, ' ' ORDER BY id) FROM videos"),
        "hidden video-database"
    );
}

#[test]
fn without_a_user_every_table_is_empty_and_none_takes_a_row() {
    let db = NUCLOM.database();
    let mut session = db.session("nuclom_login");
    let refused = session.attempt("SELECT count(*) FROM users").unwrap_err();
    assert!(refused.starts_with("42501"), "{refused}");
    for context in [
        "",
        "SELECT set_config('app.current_user_id', '', true)",
        "SELECT set_config('app.current_user_id', 'nobody', true)",
    ] {
        session.run(&format!("BEGIN; {context}; SET LOCAL ROLE nuclom_app"));
        for table in ALL {
            assert_eq!(
                session.one(&format!("SELECT count(*) FROM {table}")),
                "0",
                "{table} {context}"
            );
        }
        let refused = tried(
            &mut session,
            "INSERT INTO knowledge_nodes (organization_id, name) VALUES ('org-nuclom', 'n')",
        );
        assert_eq!(refused, Err("42501".to_owned()));
        session.run("ROLLBACK");
    }
    let refused = session
        .attempt("SELECT public.run_as_user('')")
        .unwrap_err();
    assert!(refused.starts_with("22004"), "{refused}");
}

#[test]
fn a_user_reaches_the_own_organizations_and_no_other() {
    let db = NUCLOM.database();
    let visible = |session: &mut Session| -> String {
        ALL.iter()
            .map(|table| session.one(&format!("SELECT count(*) FROM {table}")))
            .collect::<Vec<_>>()
            .join(" ")
    };
    // Everything in the order of ALL; Ben has no settings, and sees only his own progress and subscription.
    let mut ben = user(&db, "user-ben");
    assert_eq!(
        visible(&mut ben),
        "1 0 0 1 2 1 1 1 2 1 1 1 0 0 2 2 1 1 1 1 1 1 1 0 0"
    );
    let mut ada = user(&db, "user-ada");
    assert_eq!(
        visible(&mut ada),
        "1 1 0 1 2 1 1 1 2 0 1 1 0 0 2 2 1 1 1 0 1 1 1 0 0"
    );
    let mut cleo = user(&db, "user-cleo");
    assert_eq!(
        visible(&mut cleo),
        "1 0 0 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
    );
    for table in [
        "videos",
        "decisions",
        "ai_topics",
        "decision_tags",
        "comments",
    ] {
        assert_eq!(
            tried(&mut cleo, &format!("DELETE FROM {table}")),
            Ok(0),
            "{table}"
        );
    }
    // Of others a name is told, and only to who shares an organization with them.
    let fellows =
        "SELECT string_agg(name || ' ' || role, ', ' ORDER BY name) FROM public.fellow_members()";
    assert_eq!(ben.one(fellows), "Ada Admin OWNER, Ben Member MEMBER");
    assert_eq!(cleo.one(fellows), "Cleo Other OWNER");
    // A member of two organizations sees both, until the membership ends.
    db.run("INSERT INTO organization_users (user_id, organization_id) VALUES ('user-cleo', 'org-nuclom')");
    let mut cleo = user(&db, "user-cleo");
    assert_eq!(cleo.one("SELECT count(*) FROM organizations"), "2");
    cleo.run("ROLLBACK");
    db.run("DELETE FROM organization_users WHERE user_id = 'user-cleo'");
    let mut cleo = user(&db, "user-cleo");
    assert_eq!(cleo.one("SELECT count(*) FROM organizations"), "0");
}

#[test]
fn rows_cannot_be_put_into_moved_to_or_linked_with_another_organization() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO videos (id, title, duration, organization_id) VALUES ('video-other', 't', '1', 'org-other');
         INSERT INTO decisions (id, organization_id, summary, source) VALUES ('decision-other', 'org-other', 's', 'manual');
         INSERT INTO decision_tags (id, organization_id, name) VALUES ('tag-other', 'org-other', 'n')",
    );
    let mut ada = user(&db, "user-ada");
    for sql in [
        "INSERT INTO videos (title, duration, organization_id) VALUES ('t', '1', 'org-other')",
        "UPDATE videos SET organization_id = 'org-other'",
        "INSERT INTO comments (content, author_id, video_id) VALUES ('c', 'user-ada', 'video-other')",
        "INSERT INTO comments (content, author_id, video_id) VALUES ('c', 'user-ben', 'video-database')",
        "INSERT INTO video_progress (user_id, video_id, \"current_time\") VALUES ('user-ada', 'video-other', '1')",
        "INSERT INTO video_progress (user_id, video_id, \"current_time\") VALUES ('user-cleo', 'video-database', '1')",
        "INSERT INTO decision_links (decision_id, target_decision_id) VALUES ('decision-postgresql', 'decision-other')",
        "INSERT INTO decision_links (decision_id, target_decision_id) VALUES ('decision-other', 'decision-postgresql')",
        "UPDATE decision_links SET target_decision_id = 'decision-other'",
        "INSERT INTO decision_tag_assignments (decision_id, tag_id) VALUES ('decision-document-store', 'tag-other')",
        "INSERT INTO decision_subscriptions (user_id, tag_id) VALUES ('user-ada', 'tag-other')",
        "INSERT INTO decision_edits (decision_id, user_id, field_changed) VALUES ('decision-postgresql', 'user-ben', 'f')",
        "INSERT INTO decision_participants (decision_id, user_id) VALUES ('decision-other', 'user-ada')",
        "DELETE FROM decision_edits",
        "UPDATE decision_edits SET new_value = ''",
        "INSERT INTO users (email) VALUES ('x')",
        "UPDATE organizations SET name = 'x'",
        "INSERT INTO organization_users (user_id, organization_id, role) VALUES ('user-ada', 'org-other', 'OWNER')",
        "UPDATE organization_users SET role = 'OWNER'",
    ] {
        assert_eq!(tried(&mut ada, sql), Err("42501".to_owned()), "{sql}");
    }
}

#[test]
fn a_role_includes_what_the_roles_below_it_may_do() {
    let db = NUCLOM.database();
    db.run(
        "INSERT INTO users (id, email) VALUES ('user-eve', 'eve@nuclom.dev');
         INSERT INTO organization_users (user_id, organization_id, role) VALUES ('user-eve', 'org-nuclom', 'ADMIN');
         UPDATE decisions SET video_id = NULL",
    );
    let attempts = [
        (
            "INSERT INTO channels (name, organization_id) VALUES ('n', 'org-nuclom')",
            Err("42501".to_owned()),
            Ok(1),
        ),
        ("UPDATE channels SET name = 'n'", Ok(0), Ok(1)),
        (
            "INSERT INTO collections (name, organization_id) VALUES ('n', 'org-nuclom')",
            Err("42501".to_owned()),
            Ok(1),
        ),
        ("DELETE FROM decision_tags", Ok(0), Ok(1)),
        ("DELETE FROM videos", Ok(0), Ok(1)),
        (
            "DELETE FROM comments WHERE id = 'comment-answer'",
            Ok(0),
            Ok(1),
        ),
        ("UPDATE videos SET ai_summary = 's'", Ok(1), Ok(1)),
        (
            "INSERT INTO decisions (organization_id, summary, source) VALUES ('org-nuclom', 's', 'manual')",
            Ok(1),
            Ok(1),
        ),
    ];
    for (sql, member, more) in attempts {
        for (who, wanted) in [
            ("user-ben", &member),
            ("user-eve", &more),
            ("user-ada", &more),
        ] {
            let mut session = user(&db, who);
            assert_eq!(&tried(&mut session, sql), wanted, "{who}: {sql}");
        }
    }
    // Nobody but its author changes a comment; a member deletes the own one.
    let mut ada = user(&db, "user-ada");
    assert_eq!(tried(&mut ada, "UPDATE comments SET content = 'x'"), Ok(1));
    let mut ben = user(&db, "user-ben");
    assert_eq!(
        tried(
            &mut ben,
            "DELETE FROM comments WHERE id = 'comment-question'"
        ),
        Ok(1)
    );
    let mut session = db.session("postgres");
    assert_eq!(session.one("SELECT 'OWNER'::\"OrganizationRole\" < 'ADMIN' AND 'ADMIN'::\"OrganizationRole\" < 'MEMBER'"), "t");
}

#[test]
fn a_backup_of_it_comes_back_as_it_was() {
    keep(NUCLOM);
}
