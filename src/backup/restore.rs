//! Bringing a dump back, and holding what came against the record.

use std::io::Write as _;
use std::path::Path;

use super::listing::There;
use super::take::contents;
use super::{Record, program};
use crate::failure::{Exit, Failure, Result};
use crate::pg::backup::target::Target;
use crate::pg::backup::{prove, stock};
use crate::pg::{Server, graph, session};
use crate::progress::{Progress, Report, Unit};
use crate::server::Runtime;

/// A restored database that does not have its name yet.
pub struct Restored {
    /// The database.
    pub target: Target,
    /// Roles that were created, without a password.
    pub roles: Vec<String>,
    /// Graphs whose oids were mended.
    pub graphs_mended: u64,
    /// In what it differs from the record. Empty when nothing was lost.
    pub differences: Vec<String>,
    /// Why the structure could not be compared, if it could not.
    pub uncompared: Option<String>,
}

/// Restores `dump` beside whatever has the name of `wanted`.
///
/// # Errors
/// Exit 1 for a damaged dump; exit 8 without a superuser or an extension; exit 5 with `pg_restore`'s
/// words. The unfinished database is dropped then.
pub async fn restore(
    runtime: &Runtime,
    dump: &Path,
    record: &Record,
    wanted: &Server,
    report: Report<'_>,
) -> Result<Restored> {
    report(Progress::stage("reading the dump"));
    record.matches(dump)?;
    let mut target = Target::prepare(wanted).await?;
    admitted(&target, record)?;
    for name in target.sweep().await? {
        report(Progress::Note(format!(
            "dropped {name}, which a broken-off restore left"
        )));
    }
    match fill(runtime, dump, record, &mut target, report).await {
        Ok((roles, graphs_mended)) => {
            let outcome = compare(record, &target, report).await;
            let (differences, uncompared) = match outcome {
                Ok(compared) => compared,
                Err(failure) => {
                    target.abandon().await;
                    return Err(failure);
                }
            };
            Ok(Restored {
                target,
                roles,
                graphs_mended,
                differences,
                uncompared,
            })
        }
        Err(failure) => {
            target.abandon().await;
            Err(failure.detail("The unfinished database was dropped; no other was touched."))
        }
    }
}

/// A dump goes forward: into the server's major or a newer one.
fn admitted(target: &Target, record: &Record) -> Result<()> {
    let (from, into) = (record.stock.major(), target.identity.major());
    if into >= from {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "a dump of PostgreSQL {from} does not go into PostgreSQL {into}"
    ))
    .hint(format!("Restore it into PostgreSQL {from} or newer.")))
}

async fn fill(
    runtime: &Runtime,
    dump: &Path,
    record: &Record,
    target: &mut Target,
    report: Report<'_>,
) -> Result<(Vec<String>, u64)> {
    report(Progress::stage("creating the database"));
    let roles = target.create(&record.stock).await?;
    let listing = contents(runtime, dump)?;
    let (schemas, tables) = target.there().await?;
    let split = listing.split(&There { schemas, tables });
    let total = listing.len() as u64;
    report(Progress::counted("restoring", total, Unit::Items));
    let parts = [
        (&split.rest, &["--section=pre-data"][..]),
        (&split.ordered, &[]),
        (&split.rest, &["--section=data", "--section=post-data"]),
    ];
    let mut done = 0;
    for (list, sections) in parts.into_iter().filter(|(list, _)| !list.is_empty()) {
        let file = listed(list)?;
        let mut command = pg_restore(runtime, target);
        command.args(sections).arg("--use-list").arg(file.path());
        if sections.len() == 2 {
            let jobs = std::thread::available_parallelism().map_or(1, usize::from);
            command.arg(format!("--jobs={jobs}"));
        }
        command.arg(dump);
        program::run(command, |line| {
            if ["finished item ", "creating ", "processing data for table "]
                .iter()
                .any(|start| line.starts_with(start))
            {
                done += 1;
                report(Progress::At(done.min(total)));
                report(Progress::Detail(line.to_owned()));
            }
        })
        .await?;
    }
    report(Progress::Done);
    let (mut connection, _) = session::open(&target.server, "edu db restore").await?;
    let graphs_mended = graph::repair::oids(&mut connection).await?;
    report(Progress::stage("gathering statistics"));
    session::run(&mut connection, "ANALYZE", "gather statistics").await?;
    report(Progress::Done);
    Ok((roles, graphs_mended))
}

fn listed(list: &str) -> Result<tempfile::NamedTempFile> {
    let failed = |e| Failure::io("write a temporary file", &e);
    let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
    file.write_all(list.as_bytes()).map_err(failed)?;
    Ok(file)
}

fn pg_restore(runtime: &Runtime, target: &Target) -> std::process::Command {
    let mut command = runtime.command("pg_restore");
    command
        .envs(target.server.client_environment())
        .args(["--exit-on-error", "--no-password", "--verbose", "--dbname"])
        .arg(target.server.database());
    command
}

async fn compare(
    record: &Record,
    target: &Target,
    report: Report<'_>,
) -> Result<(Vec<String>, Option<String>)> {
    // Settings of the database count in its fingerprint, and come before it is compared.
    target.dress(&record.stock).await?;
    let (mut connection, _) = session::open(&target.server, "edu db restore").await?;
    let rows = stock::rows(&mut connection, report).await?;
    let structure = stock::structure(&mut connection).await?;
    let found = stock::extensions(&mut connection).await?;
    let mut expected = record.stock.clone();
    let uncompared = if expected.fingerprint.is_none() {
        Some("the structure changed while the dump was taken".to_owned())
    } else if expected.major() != target.identity.major() {
        Some(format!("it was PostgreSQL {}'s", expected.major()))
    } else if found != expected.extensions {
        Some("its extensions have other versions here".to_owned())
    } else {
        None
    };
    if uncompared.is_some() {
        expected.fingerprint = None;
    }
    Ok((expected.differences(&rows, &structure), uncompared))
}

/// Restores `dump` on a server of one's own and tries out what came. Shape: what was tried.
///
/// # Errors
/// As [`restore`]; exit 1 when rows or structure are not those of the record.
pub async fn drill(
    runtime: &Runtime,
    dump: &Path,
    record: &Record,
    own: &Server,
    report: Report<'_>,
) -> Result<prove::Proof> {
    let restored = restore(runtime, dump, record, own, report).await?;
    let (mut connection, _) = session::open(&restored.target.server, "edu db backup").await?;
    let mut proof = prove::prove(&mut connection, report).await?;
    drop(connection);
    proof.failures.extend(restored.differences);
    restored.target.abandon().await;
    Ok(proof)
}

/// The failure of a restored database that is not what the record says. It stays, under its own name.
pub fn lost(restored: &Restored) -> Failure {
    let mut failure = Failure::new(
        Exit::Findings,
        "the restored database is not what was backed up",
    );
    for difference in restored.differences.iter().take(20) {
        failure = failure.detail(format!("{difference}."));
    }
    failure
        .detail(format!(
            "It stays as \"{}\"; no other database was touched.",
            restored.target.server.database()
        ))
        .hint("Look at it, then drop it; take the next older backup.")
}
