//! Random mutations from a seeded generator: every draw is an operator, a table and what it needs.

use super::Mutation;

/// The same mutations in every run.
const SEED: u64 = 20_260_401;

/// Tables with one policy for all commands, and a column that a condition can be about.
const PLAIN: [(&str, &str, &str); 9] = [
    ("modules", "modules_tenant_isolation", "order_index"),
    ("media_assets", "media_tenant_isolation", "file_size_bytes"),
    ("transcripts", "transcripts_tenant_isolation", "word_count"),
    (
        "transcript_segments",
        "segments_tenant_isolation",
        "start_time",
    ),
    (
        "collab_documents",
        "collab_docs_tenant_isolation",
        "pending_updates",
    ),
    ("crdt_updates", "crdt_updates_tenant_isolation", "seq"),
    (
        "content_embeddings",
        "content_embeddings_tenant_isolation",
        "model_name",
    ),
    (
        "annotation_embeddings",
        "annotation_embeddings_tenant_isolation",
        "model_name",
    ),
    (
        "concept_embeddings",
        "concept_embeddings_tenant_isolation",
        "model_name",
    ),
];

/// Every table but the tenants' own.
const TABLES: [&str; 15] = [
    "users",
    "courses",
    "modules",
    "media_assets",
    "transcripts",
    "transcript_segments",
    "annotations",
    "collab_documents",
    "crdt_updates",
    "collab_sessions",
    "agent_definitions",
    "agent_executions",
    "content_embeddings",
    "annotation_embeddings",
    "concept_embeddings",
];

/// Knuth's 64-bit congruential generator; the upper half is used.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// The first `count` mutations.
pub(super) fn mutations(count: usize) -> Vec<Mutation> {
    let mut dice = Dice(SEED);
    (0..count)
        .map(|at| {
            let (what, sql) = draw(&mut dice);
            Mutation {
                name: format!("random-{at}-{what}"),
                sql,
                undo: None,
                access: None,
            }
        })
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one arm per kind of mutation")]
fn draw(dice: &mut Dice) -> (&'static str, String) {
    let (table, policy, column) = dice.of(&PLAIN);
    let any = dice.of(&TABLES);
    let side = dice.of(&["USING", "WITH CHECK"]);
    let command = dice.of(&["SELECT", "INSERT", "UPDATE", "DELETE"]);
    let alter =
        |condition: String| format!("ALTER POLICY {policy} ON {table} {side} ({condition})");
    match dice.below(18) {
        0 => (
            "off",
            format!("ALTER TABLE {any} DISABLE ROW LEVEL SECURITY"),
        ),
        1 => ("true", alter("true".to_owned())),
        2 => ("not-null", alter("tenant_id IS NOT NULL".to_owned())),
        3 => ("or-column", alter(format!("{{T}} OR {column} IS NOT NULL"))),
        4 => ("or-null", alter(format!("{{T}} OR {column} IS NULL"))),
        5 => (
            "or-setting",
            alter(format!(
                "{{T}} OR current_setting('x.y{}', true) = 'on'",
                dice.below(99)
            )),
        ),
        6 => (
            "or-id",
            alter(format!(
                "{{T}} OR id = '00000000-0000-0000-0000-0000000000{:02}'",
                dice.below(99)
            )),
        ),
        7 => ("negated", alter("NOT ({T})".to_owned())),
        8 => ("coalesced", alter("COALESCE({T}, true)".to_owned())),
        9 => (
            "other-setting",
            alter(format!(
                "tenant_id = NULLIF(current_setting('app.tenant{}', true), '')::uuid",
                dice.below(99)
            )),
        ),
        10 => (
            "other-column",
            alter("id = NULLIF(current_setting('app.current_tenant', true), '')::uuid".to_owned()),
        ),
        11 => ("dropped", format!("DROP POLICY {policy} ON {table}")),
        12 => (
            "revoked",
            format!("REVOKE {command} ON {any} FROM edusphere_app"),
        ),
        13 => {
            let condition = if command == "INSERT" {
                "WITH CHECK"
            } else {
                "USING"
            };
            (
                "added",
                format!(
                    "CREATE POLICY added ON {table} FOR {command} TO edusphere_app {condition} ({column} IS NOT NULL)"
                ),
            )
        }
        14 => {
            let privilege = dice.of(&["TRUNCATE", "REFERENCES", "TRIGGER"]);
            (
                "privilege",
                format!("GRANT {privilege} ON {any} TO edusphere_app"),
            )
        }
        15 => (
            "view",
            format!("CREATE VIEW v AS SELECT * FROM {any}; GRANT SELECT ON v TO edusphere_app"),
        ),
        16 => {
            let sql = format!("SELECT count(*) FROM public.{any}");
            (
                "definer",
                format!(
                    "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS '{sql}'; GRANT EXECUTE ON FUNCTION f() TO edusphere_app"
                ),
            )
        }
        _ => ("narrowed", alter(format!("{{T}} AND {column} IS NULL"))),
    }
}
