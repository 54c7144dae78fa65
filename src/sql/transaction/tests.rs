//! Claims about statements and transactions.

use super::*;
use crate::sql::Source;
use crate::sql::split::split;

fn one(text: &str) -> Statement {
    let script = split(Source {
        path: "x.sql",
        text,
    })
    .unwrap();
    assert_eq!(script.statements.len(), 1, "{text}");
    script.statements.into_iter().next().unwrap()
}

#[test]
fn statements_that_refuse_a_transaction_are_named() {
    for text in [
        "create unique /* x */ index concurrently i on t (a)",
        "CREATE INDEX CONCURRENTLY ON t (a)",
        "drop index concurrently if exists i;",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (VERBOSE, CONCURRENTLY) TABLE t",
        "REINDEX DATABASE d",
        "REINDEX (VERBOSE) SCHEMA s",
        "VACUUM FULL t",
        "CREATE DATABASE d",
        "ALTER DATABASE d SET TABLESPACE t",
        "DROP TABLESPACE t",
        "ALTER SYSTEM SET a = 1",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        "ALTER SUBSCRIPTION s SET PUBLICATION p",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "CLUSTER",
        "CLUSTER (VERBOSE);",
        "COMMIT PREPARED 'x'",
    ] {
        assert!(needs_no_transaction(&one(text)).is_some(), "{text}");
    }
}

#[test]
fn statements_that_may_run_in_a_transaction_are_not_named() {
    for text in [
        "CREATE INDEX i ON concurrently (a)",
        "CREATE INDEX \"CONCURRENTLY\" ON t (a)",
        "REINDEX (CONCURRENTLY false) TABLE t",
        "REINDEX TABLE t",
        "ALTER TYPE e ADD VALUE 'x'",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CLUSTER t USING i",
        "ALTER TABLE t DETACH PARTITION p",
        "ALTER DATABASE d SET work_mem = '1MB'",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)",
        "ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh = false)",
        "INSERT INTO vacuum VALUES (1)",
        "SELECT 'VACUUM'",
    ] {
        assert_eq!(needs_no_transaction(&one(text)), None, "{text}");
    }
}

#[test]
fn only_statements_that_begin_or_end_a_transaction_control_it() {
    for text in [
        "BEGIN",
        "START TRANSACTION READ ONLY",
        "COMMIT AND CHAIN;",
        "end;",
        "ROLLBACK",
        "ABORT",
        "PREPARE TRANSACTION 'x'",
    ] {
        assert!(controls_transaction(&one(text)).is_some(), "{text}");
    }
    for text in [
        "ROLLBACK TO SAVEPOINT a",
        "ROLLBACK WORK TO a",
        "SAVEPOINT a",
        "PREPARE p AS SELECT 1",
        "COMMIT PREPARED 'x'",
    ] {
        assert_eq!(controls_transaction(&one(text)), None, "{text}");
    }
}

#[test]
fn a_concurrent_index_tells_its_name_and_table() {
    let read = |text: &str| {
        let index = concurrent_index(&one(text))?;
        Some((
            index.name.map(|name| name.to_string()),
            index.table.to_string(),
        ))
    };
    assert_eq!(
        read("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I\" ON ONLY s.T USING btree (a)"),
        Some((Some("s.\"I\"".into()), "s.t".into()))
    );
    assert_eq!(
        read("create index concurrently on t (a)"),
        Some((None, "public.t".into()))
    );
    assert_eq!(read("create index i on t (a)"), None);
}
