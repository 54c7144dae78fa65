//! From sqlx's errors to failures: heading, exit code and hint by SQLSTATE.
//!
//! Source: the PostgreSQL manual, appendix "PostgreSQL Error Codes".

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use crate::failure::{Excerpt, Exit, Failure, causes};
use crate::spec::document::Document;

/// The server's part of an sqlx error, if the server spoke.
pub fn server_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

/// The SQLSTATE of an error, or an empty text when the server did not speak.
pub fn sqlstate(error: &sqlx::Error) -> &str {
    server_error(error).map_or("", PgDatabaseError::code)
}

/// Words a failure of `doing` ("read the schema history"). Says "could not DOING".
pub fn failure(doing: &str, error: &sqlx::Error) -> Failure {
    let Some(server) = server_error(error) else {
        return lost(doing, error);
    };
    let failure = Failure::new(exit_of(server.code()), format!("could not {doing}")).detail(
        format!("{} ({}).", sentence(server.message()), server.code()),
    );
    with_server_facts(failure, server)
}

/// A failure of a statement that stands in a project file. `offset` is where the statement starts
/// in the document. Units: bytes.
pub fn statement_failure(
    document: &Document,
    offset: usize,
    statement: &str,
    error: &sqlx::Error,
) -> Failure {
    let Some(server) = server_error(error) else {
        return lost(&format!("run \"{}\"", document.path), error);
    };
    let lead = statement.len() - statement.trim_start().len();
    let at = match server.position() {
        Some(PgErrorPosition::Original(characters)) => byte_of(statement, characters),
        _ => lead,
    };
    let start = offset + at;
    let excerpt = Excerpt {
        path: document.path.clone(),
        text: document.text.clone(),
        span: start..start + word_length(&document.text, start),
        label: server.code().to_owned(),
    };
    let (line, column) = excerpt.position();
    let headline = format!(
        "\"{}\" failed at line {line}, column {column}",
        document.path
    );
    let failure = Failure::new(exit_of(server.code()), headline)
        .detail(format!(
            "{} ({}).",
            sentence(server.message()),
            server.code()
        ))
        .at(excerpt);
    with_server_facts(failure, server)
}

fn with_server_facts(mut failure: Failure, server: &PgDatabaseError) -> Failure {
    if let Some(detail) = server.detail() {
        failure = failure.detail(detail);
    }
    if let Some(place) = server.r#where() {
        failure = failure.detail(format!(
            "Inside: {}.",
            place.lines().next().unwrap_or(place)
        ));
    }
    if let Some(hint) = server.hint() {
        failure = failure.hint(hint);
    }
    if server.code() == "3F000" && server.message().contains("\"ag_catalog\" does not exist") {
        // AGE 1.5 looks there on every DROP, and on much else, once its library is loaded.
        failure = failure
            .detail("This server preloads AGE, and this database lacks the extension: ordinary statements fail then.")
            .hint("As a superuser, in this database: CREATE EXTENSION age");
    }
    failure
}

/// The exit code that a SQLSTATE leads to.
pub fn exit_of(code: &str) -> Exit {
    match code {
        "55P03" => Exit::Lock,
        "42501" | "25006" => Exit::Refused,
        "28000" | "28P01" | "3D000" | "53300" | "57P01" | "57P02" | "57P03" => Exit::Unreachable,
        code if code.starts_with("08") => Exit::Unreachable,
        _ => Exit::Sql,
    }
}

fn lost(doing: &str, error: &sqlx::Error) -> Failure {
    let reason = match error {
        sqlx::Error::Io(error) => crate::failure::io_reason(error),
        other => causes(other),
    };
    Failure::new(
        Exit::Unreachable,
        format!("could not {doing}: the connection was lost"),
    )
    .detail(reason)
    .hint("See what the server says (edu server logs), then run the command again.")
}

fn sentence(message: &str) -> &str {
    message.trim_end_matches('.')
}

/// The byte at which the `characters`-th character (counted from 1) starts.
fn byte_of(text: &str, characters: usize) -> usize {
    text.char_indices()
        .nth(characters.saturating_sub(1))
        .map_or(text.len(), |(byte, _)| byte)
}

fn word_length(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    let word = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '"')));
    let length = word.unwrap_or(rest.len());
    if length == 0 {
        rest.chars().next().map_or(0, char::len_utf8)
    } else {
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_in_characters_becomes_one_in_bytes() {
        assert_eq!(byte_of("שלום x", 6), "שלום ".len());
    }

    #[test]
    fn a_lock_timeout_has_its_own_exit_code() {
        assert_eq!(exit_of("55P03"), Exit::Lock);
        assert_eq!(exit_of("42P01"), Exit::Sql);
    }
}
