//! Claims about the effects of statements.

use super::*;
use crate::sql::Source;
use crate::sql::split::split;

fn of(text: &str) -> Vec<Effect> {
    let script = split(Source {
        path: "x.sql",
        text,
    })
    .unwrap();
    assert_eq!(script.statements.len(), 1, "{text}");
    effects(&script.statements[0])
}

/// One line per effect: action, target, lock, work, hazard.
fn lines(text: &str) -> Vec<String> {
    of(text)
        .iter()
        .map(|effect| {
            let on = match &effect.on {
                Target::Relation(it) | Target::Index(it) => {
                    format!(
                        "{}{}",
                        it.schema
                            .as_ref()
                            .map_or(String::new(), |s| format!("{s}.")),
                        it.name
                    )
                }
                Target::Schema(name) => format!("schema {name}"),
                Target::Nothing => "-".into(),
            };
            format!(
                "{} {on} {} {:?} {}",
                effect.action,
                effect.lock.map_or("-", LockLevel::name),
                effect.work,
                effect.hazard.map_or("-", Hazard::id)
            )
        })
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line per statement")]
fn each_statement_has_its_lock_work_and_hazard() {
    for (text, expected) in [
        (
            "ALTER TABLE app.t ADD COLUMN a text",
            "ADD COLUMN app.t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 7",
            "ADD COLUMN t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now()",
            "ADD COLUMN t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            "ADD COLUMN t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int DEFAULT app.next_number()",
            "ADD COLUMN t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a bigserial",
            "ADD COLUMN t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY",
            "ADD COLUMN t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED",
            "ADD COLUMN t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b + 1) VIRTUAL",
            "ADD COLUMN t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int CHECK (a > 0)",
            "ADD COLUMN t AccessExclusive Scan -",
        ),
        (
            "ALTER TABLE ONLY \"T\" DROP COLUMN a",
            "DROP COLUMN T AccessExclusive Brief data-loss",
        ),
        (
            "ALTER TABLE t ALTER a SET NOT NULL",
            "ALTER COLUMN SET NOT NULL t AccessExclusive ScanUnlessNotNull(\"a\") -",
        ),
        (
            "ALTER TABLE t ADD CHECK (a > 0)",
            "ADD CONSTRAINT t AccessExclusive Scan -",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
            "ADD CONSTRAINT t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT c",
            "VALIDATE CONSTRAINT t ShareUpdateExclusive Scan -",
        ),
        (
            "ALTER TABLE t ADD UNIQUE (a)",
            "ADD UNIQUE t AccessExclusive Build -",
        ),
        (
            "ALTER TABLE t ADD PRIMARY KEY USING INDEX i",
            "ADD PRIMARY KEY USING INDEX t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t RENAME TO u",
            "RENAME t AccessExclusive Brief breaks-running-code",
        ),
        (
            "ALTER TABLE t RENAME COLUMN a TO b",
            "RENAME COLUMN t AccessExclusive Brief breaks-running-code",
        ),
        (
            "ALTER TABLE t SET LOGGED",
            "SET LOGGED t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t SET TABLESPACE s",
            "SET TABLESPACE t AccessExclusive Rewrite -",
        ),
        (
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
            "ENABLE ROW LEVEL SECURITY t AccessExclusive Brief -",
        ),
        (
            "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
            "DISABLE ROW LEVEL SECURITY t AccessExclusive Brief weakens-isolation",
        ),
        (
            "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            "DETACH PARTITION CONCURRENTLY t ShareUpdateExclusive Brief -",
        ),
        (
            "CREATE UNIQUE INDEX i ON app.t (a)",
            "CREATE INDEX app.t Share Build -",
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a)",
            "CREATE INDEX CONCURRENTLY t ShareUpdateExclusive Build -",
        ),
        (
            "REINDEX (CONCURRENTLY) INDEX app.i",
            "REINDEX CONCURRENTLY app.i ShareUpdateExclusive Build -",
        ),
        ("REINDEX TABLE t", "REINDEX t Share Build -"),
        ("DROP INDEX i", "DROP INDEX i AccessExclusive Brief -"),
        (
            "DROP SCHEMA app CASCADE",
            "DROP SCHEMA schema app AccessExclusive Brief data-loss",
        ),
        (
            "DROP TYPE app.mood",
            "DROP TYPE - - Brief breaks-running-code",
        ),
        ("DROP EXTENSION age", "DROP EXTENSION - - Brief data-loss"),
        (
            "TRUNCATE TABLE ONLY app.t CASCADE",
            "TRUNCATE app.t AccessExclusive Brief data-loss",
        ),
        ("VACUUM (FULL) t", "VACUUM FULL t AccessExclusive Rewrite -"),
        ("VACUUM t", "VACUUM t ShareUpdateExclusive Brief -"),
        ("CLUSTER t USING i", "CLUSTER t AccessExclusive Rewrite -"),
        ("DELETE FROM t", "DELETE t RowExclusive Rows data-loss"),
        ("DELETE FROM t WHERE a = 1", "DELETE t RowExclusive Rows -"),
        (
            "UPDATE app.t SET a = 1",
            "UPDATE app.t RowExclusive Rows update-all-rows",
        ),
        ("INSERT INTO t VALUES (1)", "INSERT t RowExclusive Brief -"),
        ("LOCK TABLE t IN SHARE MODE", "LOCK TABLE t Share Brief -"),
        (
            "CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE TRIGGER t ShareRowExclusive Brief -",
        ),
        (
            "CREATE POLICY p ON t FOR SELECT USING (true)",
            "CREATE POLICY t AccessExclusive Brief -",
        ),
        (
            "DROP POLICY p ON t",
            "DROP POLICY t AccessExclusive Brief -",
        ),
        (
            "REFRESH MATERIALIZED VIEW v",
            "REFRESH MATERIALIZED VIEW v AccessExclusive Rewrite -",
        ),
        (
            "DO $$ BEGIN DROP TABLE t; END $$",
            "DO - - Brief not-analysable",
        ),
        ("CALL p()", "CALL - - Brief not-analysable"),
        (
            "ALTER TYPE mood RENAME VALUE 'a' TO 'b'",
            "ALTER TYPE - - Brief breaks-running-code",
        ),
        (
            "ALTER TYPE mood ADD VALUE 'c'",
            "ALTER TYPE ADD VALUE - - Brief -",
        ),
    ] {
        assert_eq!(lines(text), [expected], "{text}");
    }
}

#[test]
fn statements_that_touch_no_table_have_no_effect() {
    for text in [
        "SET search_path = a",
        "GRANT SELECT ON t TO r",
        "REVOKE ALL ON t FROM r",
        "COMMENT ON TABLE t IS 'x'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE TYPE mood AS ENUM ('a')",
        "CREATE VIEW v AS SELECT 1",
        "ANALYZE t",
        "SELECT 1",
    ] {
        assert_eq!(lines(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_foreign_key_locks_both_tables() {
    let expected = [
        "ADD FOREIGN KEY a ShareRowExclusive Scan -",
        "REFERENCES s.b ShareRowExclusive Scan -",
    ];
    assert_eq!(
        lines("ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES s.b (id)"),
        expected
    );
    let made = lines("CREATE TABLE a (x int REFERENCES b)");
    assert_eq!(
        made,
        [
            "CREATE TABLE a - Brief -",
            "REFERENCES b ShareRowExclusive Brief -"
        ]
    );
}

#[test]
fn every_action_of_one_alter_table_counts() {
    let found = lines(
        "ALTER TABLE t DROP COLUMN a, ALTER COLUMN b TYPE bigint USING b::bigint, ADD COLUMN c int",
    );
    assert_eq!(found.len(), 3);
    assert!(found[1].contains("RewriteUnlessSame"), "{found:?}");
    assert!(
        found[1].contains("to: \"bigint\", using: true"),
        "{found:?}"
    );
}

#[test]
fn dropping_a_graph_loses_data_wherever_it_is_called() {
    for text in [
        "SELECT ag_catalog.drop_graph('g', true)",
        "SELECT * FROM ag_catalog.drop_label('g', 'L')",
    ] {
        assert!(
            of(text)
                .iter()
                .any(|effect| effect.hazard == Some(Hazard::DataLoss)),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_parsed_is_said_to_be_not_analysable() {
    assert_eq!(
        lines("FROBNICATE TABLE t"),
        ["STATEMENT - - Brief not-analysable"]
    );
}
