//! Several statements in one message of the simple query protocol, and how far they came.
//!
//! One round trip instead of many. The server parses the whole text first, runs statement by
//! statement, and stops at the first error; each that ended well sends one word, which is counted.

use std::time::Duration;

use futures_util::StreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either};

use super::error::failure;
use crate::failure::Failure;

/// How long the server may take to answer edu's own statements.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A text of statements, and how many they are.
#[derive(Debug, Default, Clone)]
pub struct Message {
    text: String,
    statements: usize,
}

/// Where a message stopped.
#[derive(Debug)]
pub struct Stop {
    /// How many statements had ended well.
    pub completed: usize,
    /// Why it stopped.
    pub error: sqlx::Error,
}

impl Message {
    /// Adds one statement of edu's own, without its semicolon.
    pub fn add(&mut self, statement: &str) {
        self.text.push_str(statement);
        self.text.push_str(";\n");
        self.statements += 1;
    }

    /// The statements, to be sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many statements there are.
    pub fn statements(&self) -> usize {
        self.statements
    }

    /// How long the text is. Units: characters, which the server counts positions in.
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// Sends it, and gives the rows of all its statements in order.
    ///
    /// # Errors
    /// The first statement's that failed; the ones after it did not run.
    /// The connection's, when no answer comes within 15 s: edu's own statements are short.
    pub async fn send(self, connection: &mut PgConnection) -> Result<Vec<PgRow>, Stop> {
        if self.statements == 0 {
            return Ok(Vec::new());
        }
        ask(connection, self.text).await
    }
}

/// Sends a text of edu's own, which the server answers soon, and gives its rows.
///
/// # Errors
/// As [`Message::send`].
pub async fn ask(connection: &mut PgConnection, text: String) -> Result<Vec<PgRow>, Stop> {
    match tokio::time::timeout(ANSWER_MAX, send(connection, text, true)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Stop {
            completed: 0,
            error: silence(),
        }),
    }
}

/// Waits for what the server answers soon. `doing` completes "could not …".
///
/// # Errors
/// Its own, and the connection's, when no answer comes within 15 s: the network may have gone silent.
pub async fn answered<T>(
    doing: &str,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failure(doing, &silence())),
    }
}

/// The error of a server that does not answer: the network may have gone silent.
pub fn silence() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Sends a text of statements. Rows are given if they are wanted, and dropped as they come if not.
///
/// # Errors
/// As [`Message::send`].
pub async fn send(
    connection: &mut PgConnection,
    text: String,
    wanted: bool,
) -> Result<Vec<PgRow>, Stop> {
    let mut rows = Vec::new();
    let mut completed = 0;
    let query = sqlx::raw_sql(AssertSqlSafe(text));
    let mut answers = query.fetch_many(connection);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Either::Left(_)) => completed += 1,
            Ok(Either::Right(row)) if wanted => rows.push(row),
            Ok(Either::Right(_)) => {}
            Err(error) => return Err(Stop { completed, error }),
        }
    }
    Ok(rows)
}
