//! From sqlx's errors to failures: heading, exit code and hint by SQLSTATE.
//!
//! Source: the PostgreSQL manual, appendix "PostgreSQL Error Codes".

use std::ops::Range;

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use crate::failure::{Excerpt, Exit, Failure, causes};
use crate::spec::document::Document;
use crate::sql::split::Statement;

/// How much of a statement within a function is shown. Units: characters.
const INNER_MAX: usize = 200;

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
    failure_at(document, offset + at, server)
}

/// A failure of the server's that lies at the byte `start` of a project file.
fn failure_at(document: &Document, start: usize, server: &PgDatabaseError) -> Failure {
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

/// Statements of a project file that were sent in one message, behind some of edu's own.
pub struct Sent<'a> {
    /// The file.
    pub document: &'a Document,
    /// Its statements, in order.
    pub statements: &'a [Statement],
    /// The part of the file that was sent. Units: bytes.
    pub span: Range<usize>,
    /// How many statements of edu's own stood before.
    pub before: usize,
    /// How long their text was. Units: characters.
    pub before_characters: usize,
}

impl Sent<'_> {
    /// A failure after `completed` statements of the message; nothing when one of edu's own failed.
    ///
    /// The server counts its position over the whole message. An error without a position belongs to
    /// the statement after those that had ended.
    pub fn failure(&self, completed: usize, error: &sqlx::Error) -> Option<Failure> {
        let Some(server) = server_error(error) else {
            return Some(lost(&format!("run \"{}\"", self.document.path), error));
        };
        let position = match server.position() {
            Some(PgErrorPosition::Original(characters)) => {
                characters.checked_sub(self.before_characters)
            }
            _ => None,
        };
        let start = match position.filter(|characters| *characters > 0) {
            Some(characters) => {
                let text = self.document.text.get(self.span.clone()).unwrap_or("");
                self.span.start + byte_of(text, characters)
            }
            None => {
                let last = self.statements.len().saturating_sub(1);
                let at = completed.checked_sub(self.before)?.min(last);
                self.statements.get(at)?.body.start
            }
        };
        Some(failure_at(self.document, start, server))
    }
}

fn with_server_facts(mut failure: Failure, server: &PgDatabaseError) -> Failure {
    if let Some(PgErrorPosition::Internal { position, query }) = server.position() {
        let byte = byte_of(query, position);
        let line = query[..byte].matches('\n').count();
        let text = query.lines().nth(line).unwrap_or(query).trim();
        failure = failure.detail(format!(
            "In the statement of the function or block: {}",
            crate::failure::cut(text, INNER_MAX)
        ));
    }
    if let Some(detail) = server.detail() {
        failure = if matches!(server.code().get(..2), Some("22" | "23")) {
            failure.row_detail(detail)
        } else {
            failure.detail(detail)
        };
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
