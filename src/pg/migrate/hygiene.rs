//! Session hygiene: what a file left behind in its session is told and cleaned, so that the next one
//! starts from the same state.

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use crate::pg::message::Message;
use crate::progress::{Progress, Report};
use crate::spec::migration::SqlFile;
use crate::sql::split::Statement;
use crate::sql::token::{Kind, tokens};

/// Settings that edu itself makes for the session.
const OURS: &str = "'client_connection_check_interval', 'idle_session_timeout', 'client_min_messages',
    'idle_in_transaction_session_timeout', 'standard_conforming_strings', 'DateStyle', 'lock_timeout',
    'statement_timeout'";

/// A query for what is left in the session after a file: one row. Asked after the commit, so that what
/// ends with the transaction is not seen. Nothing for a file that can have left nothing: one that only
/// defines lasting things.
pub(super) fn query(file: &SqlFile) -> Option<String> {
    if !file.script.statements.iter().any(may_leave) {
        return None;
    }
    Some(format!(
        "SELECT pg_catalog.current_setting('role') AS role,
            (SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM pg_catalog.pg_settings
             WHERE source = 'session' AND name NOT IN ({OURS})) AS settings,
            CASE WHEN pg_catalog.pg_my_temp_schema() <> 0 THEN
                (SELECT pg_catalog.string_agg(relname::text, ', ') FROM pg_catalog.pg_class
                 WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'v', 'S'))
            END AS temporary,
            EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid()
                    AND locktype = 'advisory') AS advisory"
    ))
}

/// Whether a statement can leave something in the session: one that makes something temporary, or that runs
/// a query, whose functions may do anything.
fn may_leave(statement: &Statement) -> bool {
    match statement.keyword.as_str() {
        "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" => false,
        "CREATE" => creation_may_leave(&statement.text),
        _ => true,
    }
}

/// The same of a CREATE. A query stands behind the AS of a table or a materialized view, outside of all
/// parentheses; the AS of a function, a view or an identity column runs nothing.
fn creation_may_leave(text: &str) -> bool {
    let mut words = Vec::new();
    let mut depth = 0;
    for token in tokens(text) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Word if depth == 0 => words.push(text[token.span].to_ascii_uppercase()),
            _ => {}
        }
    }
    let lead = &words[..words.len().min(4)];
    let temporary = |word: &String| word.starts_with("TEMP") || word.starts_with("PG_TEMP");
    let holds_rows = lead
        .iter()
        .any(|word| word == "TABLE" || word == "MATERIALIZED");
    lead.iter().any(|word| temporary(word) || word == "SCHEMA")
        || holds_rows && words.iter().any(|word| word == "AS" || word == "EXECUTE")
}

/// Tells what was found, and cleans what a reset does not.
pub(super) async fn conclude(
    connection: &mut PgConnection,
    row: &PgRow,
    role: &str,
    file: &SqlFile,
    report: Report<'_>,
) {
    let path = &file.document.path;
    let mut clean = Message::default();
    let mut left = Vec::new();
    let now: String = row.get("role");
    if now != role {
        left.push(format!("the role \"{now}\""));
    }
    if let Some(settings) = row.get::<Option<String>, _>("settings") {
        left.push(format!("the settings {settings}"));
    }
    if let Some(names) = row.get::<Option<String>, _>("temporary") {
        left.push(format!("the temporary objects {names}"));
        clean.add("DISCARD TEMP");
    }
    if row.get("advisory") {
        left.push("advisory locks".to_owned());
        clean.add("SELECT pg_catalog.pg_advisory_unlock_all()");
    }
    if !left.is_empty() {
        report(Progress::Warning(format!(
            "\"{path}\" left {} in its session; edu took that back, another runner would not",
            left.join(" and ")
        )));
    }
    if clean.statements() > 0 {
        // A connection that is lost shows with the next statement.
        let _ = clean.send(connection).await;
    }
}

#[cfg(test)]
mod tests {
    use super::creation_may_leave;

    #[test]
    fn only_a_creation_that_runs_a_query_or_is_temporary_may_leave_something() {
        for (text, wanted) in [
            (
                "CREATE TABLE t (id int8 GENERATED ALWAYS AS IDENTITY)",
                false,
            ),
            (
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                false,
            ),
            ("CREATE VIEW v AS SELECT 1", false),
            (
                "CREATE TABLE t AS SELECT set_config('a.b', 'c', false)",
                true,
            ),
            ("CREATE TABLE t (a, b) AS SELECT 1, 2", true),
            ("CREATE MATERIALIZED VIEW v AS SELECT 1", true),
            ("CREATE TEMPORARY TABLE t (i int)", true),
            ("CREATE TABLE pg_temp.t (i int)", true),
            ("CREATE TEMP VIEW v AS SELECT 1", true),
        ] {
            assert_eq!(creation_may_leave(text), wanted, "{text}");
        }
    }
}
