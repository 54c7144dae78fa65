//! Session hygiene: what a file left behind in its session is told and cleaned, so that the next one
//! starts from the same state.

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use crate::pg::message::Message;
use crate::progress::{Progress, Report};
use crate::spec::migration::SqlFile;
use crate::sql::split::Statement;

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

/// Whether a statement can leave something in the session.
fn may_leave(statement: &Statement) -> bool {
    let temporary = || {
        let words: Vec<&str> = statement.text.split_whitespace().take(4).collect();
        words.iter().any(|word| {
            let word = word.to_ascii_uppercase();
            word.starts_with("TEMP") || word.starts_with("PG_TEMP") || word == "SCHEMA"
        })
    };
    match statement.keyword.as_str() {
        "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" => false,
        "CREATE" => temporary() || statement.text.to_ascii_uppercase().contains(" AS"),
        _ => true,
    }
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
