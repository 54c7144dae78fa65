//! Whether a graph is as declared. Reads, and nothing else.

use sqlx::postgres::PgConnection;

use super::inspect;
use crate::failure::Result;
use crate::graph::Finding;
use crate::graph::advice::advice;
use crate::graph::compare::{Wanted, compare};
use crate::pg::session;
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;

/// Every difference between ontology and catalogs, and what this version of AGE gets wrong.
///
/// # Errors
/// Exit 8 when the database has no AGE.
pub async fn structure(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
) -> Result<Vec<Finding>> {
    let wanted = Wanted { manifest, ontology };
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    session::run(connection, begin, "begin a transaction").await?;
    let live = inspect::live(connection, wanted).await;
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    let live = live?;
    let mut findings = compare(wanted, &live)?;
    findings.extend(advice(wanted, &live));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.code.severity));
    Ok(findings)
}
