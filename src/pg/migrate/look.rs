//! One look at a database, in one round trip: history, journal, audit trail, and who holds the lock.
//!
//! It writes and creates nothing, and works for a role that may read little.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::history::{self, Applied};
use super::journal::Entry;
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::holder::{self, Holder};
use crate::pg::lock::Purpose;
use crate::pg::{Server, message, session};

const SQL: &str = include_str!("look.sql");

/// What a database says of itself.
#[derive(Debug)]
pub struct Look {
    /// The session that looked.
    pub pid: i32,
    /// There is a schema named like edu's own.
    pub store: bool,
    /// The role may look into edu's own schema.
    pub readable: bool,
    /// The project that edu's own schema says the database belongs to.
    pub meta: Option<Meta>,
    /// Triggers may run after a row of the history was written.
    pub watched: bool,
    /// The schema history, by version.
    pub history: Vec<Applied>,
    /// The journal, by version and statement.
    pub journal: Vec<Entry>,
    /// The runs that have not ended: one that goes on, or those that were killed.
    pub open_runs: Vec<String>,
    /// Who applied what: the last time of each version. Empty unless asked for.
    pub steps: Vec<Step>,
    /// Who holds the lock.
    pub holder: Option<Holder>,
}

impl Look {
    /// What there is to see in a database that has neither a history nor a schema of edu's own.
    pub(super) fn bare(pid: i32) -> Self {
        Self {
            pid,
            store: false,
            readable: true,
            meta: None,
            watched: false,
            history: Vec::new(),
            journal: Vec::new(),
            open_runs: Vec::new(),
            steps: Vec::new(),
            holder: None,
        }
    }
}

/// The one row of `edu.meta`.
#[derive(Debug, Deserialize)]
pub struct Meta {
    /// The layout of edu's own schema.
    pub layout: i32,
    /// The project's name.
    pub project: String,
}

/// How a version came to be applied.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub struct Step {
    /// The version.
    pub version: i64,
    /// How long it took. Units: milliseconds.
    pub took_ms: i64,
    /// How much of it was waiting for locks. Units: milliseconds.
    pub lock_wait_ms: i64,
    /// Who ran edu.
    pub who: String,
    /// The role that logged in.
    pub login: String,
    /// From which machine.
    pub host: String,
    /// edu's version.
    pub application: String,
    /// The project's git revision.
    pub revision: Option<String>,
    /// Whether the project had changes that were not committed.
    pub dirty: Option<bool>,
    /// "applied"; "found" where the run only met it in the history, and nobody knows who applied it.
    pub outcome: String,
}

/// Connects and looks, audit trail included: one round trip after the connection stands.
///
/// # Errors
/// Those of [`look`], exit 7 when the server cannot be reached, 8 when its major is not supported.
pub async fn at(server: &Server, application: &str) -> Result<Look> {
    let mut connection = server.connect(application).await?;
    if let Some(version) = connection.server_version_num() {
        session::supported(version, server)?;
    }
    look(&mut connection, true).await
}

/// Looks. `steps` says whether the audit trail is wanted too.
///
/// # Errors
/// Exit 4 when the history is not a table to rely on, 8 when the role may not read it.
pub async fn look(connection: &mut PgConnection, steps: bool) -> Result<Look> {
    let sql = SQL
        .replace("{steps}", if steps { "true" } else { "false" })
        .replace("{flaw}", history::FLAW)
        .replace("{lock}", &holder::sql(Purpose::Change));
    let rows = message::ask(connection, sql)
        .await
        .map_err(|stop| failure("read the schema history", &stop.error))?;
    let row = rows
        .first()
        .ok_or_else(|| Failure::bug("the server did not answer the look"))?;
    if let Some(flaw) = row.get::<Option<String>, _>("history_flaw") {
        return Err(history::unfit(&flaw));
    }
    let meta: Vec<Meta> = list(row, "meta")?;
    // What else a row may lack is an empty text by then.
    let history = list(row, "history").map_err(|_| history::unfit(history::NO_VERSION))?;
    let holder: Option<String> = row.get("holder");
    Ok(Look {
        pid: row.get("pid"),
        store: row.get("store"),
        readable: row.get("readable"),
        meta: meta.into_iter().next(),
        watched: row.get("history_watched"),
        history: remembered(history, list(row, "memory")?),
        journal: list(row, "journal")?,
        open_runs: list(row, "open_runs")?,
        steps: list(row, "steps")?,
        holder: holder.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

/// What edu remembers of one applied migration.
#[derive(Debug, Deserialize)]
struct Memory {
    version: i64,
    fingerprint: String,
}

/// The history with the fingerprints that are remembered.
fn remembered(mut history: Vec<Applied>, memory: Vec<Memory>) -> Vec<Applied> {
    let mut memory: HashMap<i64, String> = memory
        .into_iter()
        .map(|one| (one.version, one.fingerprint))
        .collect();
    for row in &mut history {
        row.fingerprint = memory.remove(&row.version);
    }
    history
}

/// A list that came as JSON within the one element of an XML row.
fn list<T: DeserializeOwned>(row: &PgRow, column: &str) -> Result<Vec<T>> {
    let Some(xml) = row.get::<Option<String>, _>(column) else {
        return Ok(Vec::new());
    };
    let (Some(start), Some(end)) = (xml.find("<j>"), xml.rfind("</j>")) else {
        return Ok(Vec::new());
    };
    let json = unescape(&xml[start + 3..end]);
    serde_json::from_str(&json)
        .map_err(|error| Failure::bug(format!("could not read the {column} of the look: {error}")))
}

/// Takes back what the server escapes in XML text. Source: `escape_xml` in PostgreSQL's xml.c.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#x0d;", "\r")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn an_escaped_ampersand_does_not_become_another_character() {
        assert_eq!(unescape("a &amp;lt; b &lt;c&gt;"), "a &lt; b <c>");
    }
}
