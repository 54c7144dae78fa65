//! Whether a graph is as declared. Reads, and nothing else.

use sqlx::postgres::PgConnection;

use super::inspect;
use crate::failure::Result;
use crate::graph::Finding;
use crate::graph::advice::advice;
use crate::graph::compare::{Wanted, compare};
use crate::pg::session;

/// What the catalogs say.
#[derive(Debug)]
pub struct Structure {
    /// Differences, and what this version of AGE gets wrong; the gravest first.
    pub findings: Vec<Finding>,
    /// AGE's version.
    pub version: (u32, u32),
    /// Graph and labels are there, so that queries can be planned.
    pub complete: bool,
}

/// Compares ontology and catalogs.
///
/// # Errors
/// Exit 8 when the database has no AGE.
pub async fn structure(connection: &mut PgConnection, wanted: Wanted<'_>) -> Result<Structure> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    session::run(connection, begin, "begin a transaction").await?;
    let live = inspect::live(connection, wanted).await;
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    let live = live?;
    let mut findings = compare(wanted, &live)?;
    let broken =
        |id: &str| id.starts_with("graph-") || id.starts_with("label-") && id != "label-undeclared";
    let complete = !findings.iter().any(|finding| broken(finding.code.id));
    findings.extend(advice(wanted, &live));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.code.severity));
    Ok(Structure {
        findings,
        version: live.version(),
        complete,
    })
}
