//! Taking a dump.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::listing::Listing;
use super::program;
use super::record::{Record, SCHEMA, digest};
use super::store::Store;
use crate::failure::{Exit, Failure, Result};
use crate::pg::backup::stock::{Snapshot, structure};
use crate::pg::{Server, session};
use crate::progress::{Progress, Report, Unit};
use crate::server::Runtime;

/// A dump that was taken.
#[derive(Debug)]
pub struct Taken {
    /// The dump.
    pub path: PathBuf,
    /// What stands beside it.
    pub record: Record,
    /// Tables with their rows in the dump.
    pub tables: usize,
}

/// An unfinished dump, deleted unless it was kept.
struct Partial(Option<PathBuf>);

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Dumps `server`'s database into `store`. The rows are counted in the dump's own snapshot.
///
/// # Errors
/// Exit 8 when row-level security would hide rows; exit 5 with `pg_dump`'s words. No dump has its name
/// then.
pub async fn take(
    runtime: &Runtime,
    server: &Server,
    store: &Store,
    report: Report<'_>,
) -> Result<Taken> {
    let (mut snapshot, identity) = Snapshot::take(server).await?;
    let now = OffsetDateTime::now_utc();
    let (mut connection, _) = session::open(server, "edu db backup").await?;
    let before = structure(&mut connection).await?;
    let mut stock = snapshot.stock(server, &identity, report).await?;
    let (path, whole) = store.begin(server.database(), now)?;
    let mut partial = Partial(Some(path.clone()));
    dump(
        runtime,
        server,
        &snapshot.id,
        &path,
        stock.rows.len(),
        report,
    )
    .await?;
    drop(snapshot);
    // A migration that committed meanwhile is in the catalog, but perhaps not in the dump.
    if structure(&mut connection).await? == before {
        stock.fingerprint = Some(before);
    } else {
        report(Progress::Warning(
            "the structure changed while the dump was taken: its fingerprint is not recorded"
                .to_owned(),
        ));
    }
    let listing = contents(runtime, &path)?;
    if listing.is_empty() {
        return Err(Failure::new(Exit::Sql, "the dump is empty")
            .detail("pg_dump ended without an error, and pg_restore finds nothing in its file."));
    }
    report(Progress::stage("reading the dump back"));
    let (size_bytes, sha256) = digest(&path)?;
    let record = Record {
        schema: SCHEMA,
        taken: now.format(&Rfc3339).unwrap_or_default(),
        edu: env!("CARGO_PKG_VERSION").to_owned(),
        size_bytes,
        sha256,
        stock,
    };
    store.keep(&path, &whole, &record)?;
    partial.0 = None;
    report(Progress::Done);
    Ok(Taken {
        path: whole,
        record,
        tables: listing.tables(),
    })
}

async fn dump(
    runtime: &Runtime,
    server: &Server,
    snapshot: &str,
    path: &Path,
    tables: usize,
    report: Report<'_>,
) -> Result<()> {
    let mut command = runtime.command("pg_dump");
    command
        .envs(server.client_environment())
        .args([
            "--format=custom",
            "--no-password",
            "--verbose",
            "--lock-wait-timeout=60s",
        ])
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(path);
    report(Progress::counted("dumping", tables as u64, Unit::Items));
    let mut done = 0;
    let outcome = program::run(command, |line| {
        if let Some(table) = line.strip_prefix("dumping contents of table ") {
            report(Progress::At(done));
            report(Progress::Detail(table.trim_matches('"').to_owned()));
            done += 1;
        }
    })
    .await;
    report(Progress::Done);
    outcome.map_err(|failure| failure.detail("No backup was written."))
}

/// What a dump holds.
///
/// # Errors
/// Exit 5 when `pg_restore` cannot read it.
pub fn contents(runtime: &Runtime, dump: &Path) -> Result<Listing> {
    let mut command = runtime.command("pg_restore");
    command.arg("--list").arg(dump);
    program::output(command).map(|text| Listing::read(&text))
}
