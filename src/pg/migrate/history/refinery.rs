//! What refinery is given, and its verdict in edu's words.

use std::collections::HashMap;
use std::convert::Infallible;

use refinery_core::error::Kind;
use refinery_core::traits::r#async::{AsyncQuery, AsyncTransaction};
use refinery_core::{AsyncMigrate, Runner, Target};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Applied, TABLE};
use crate::failure::{Exit, Failure, Result};
use crate::pg::migrate::fingerprint;
use crate::spec::migration::Migration;

/// A history row as refinery wants it. A date or checksum that is none becomes one that fits no
/// file; refinery compares checksums, never dates.
pub(in crate::pg::migrate) fn as_refinery(applied: &Applied) -> refinery_core::Migration {
    let on =
        OffsetDateTime::parse(&applied.applied_on, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let checksum = applied.checksum.parse().unwrap_or(0);
    refinery_core::Migration::applied(applied.version, applied.name.clone(), on, checksum)
}

/// A migration's name as refinery reads it.
fn stem(migration: &Migration) -> String {
    format!("V{}__{}", migration.version, migration.name)
}

/// The files as refinery wants them.
///
/// # Errors
/// Exit 2 when refinery does not take a file's name.
pub fn files<'a>(
    migrations: impl IntoIterator<Item = &'a Migration>,
) -> Result<Vec<refinery_core::Migration>> {
    migrations
        .into_iter()
        .map(|migration| {
            refinery_core::Migration::unapplied(&stem(migration), &migration.up.document.text)
                .map_err(|e| Failure::usage(format!("\"{}\": {e}", migration.up.document.path)))
        })
        .collect()
}

/// refinery's checksum of a file, as its table has it.
///
/// # Errors
/// Exit 2 when refinery does not take the file's name.
pub fn checksum(migration: &Migration) -> Result<String> {
    Ok(files([migration])?.remove(0).checksum().to_string())
}

/// refinery's statement that creates the history, for scripts that a superuser runs by hand.
pub fn create() -> String {
    <Rehearsal as AsyncMigrate>::assert_migrations_table_query(TABLE)
}

/// refinery's own runner over `files`: strict about divergent and missing versions.
pub(in crate::pg::migrate) fn runner(files: &[refinery_core::Migration], target: Target) -> Runner {
    let mut runner = Runner::new(files).set_target(target);
    runner.set_migration_table_name(TABLE);
    runner
}

/// Which migrations are pending, in order. No server is asked.
///
/// # Errors
/// Exit 4 when history and files contradict each other, naming both.
pub async fn pending<'a>(
    history: &[Applied],
    migrations: &'a [Migration],
) -> Result<Vec<&'a Migration>> {
    pending_of(history, &migrations.iter().collect::<Vec<_>>()).await
}

pub(in crate::pg::migrate) async fn pending_of<'a>(
    history: &[Applied],
    migrations: &[&'a Migration],
) -> Result<Vec<&'a Migration>> {
    let files = files(migrations.iter().copied())?;
    let mut rehearsal = Rehearsal {
        history: history.iter().map(as_refinery).collect(),
    };
    let report = runner(&files, Target::Latest)
        .run_async(&mut rehearsal)
        .await
        .map_err(|error| contradiction(&error, history, migrations.iter().copied()))?;
    let by_version: HashMap<i64, &'a Migration> =
        migrations.iter().map(|m| (m.version, *m)).collect();
    Ok(report
        .applied_migrations()
        .iter()
        .filter_map(|m| by_version.get(&m.version()).copied())
        .collect())
}

/// Words refinery's verdict against history and files.
pub(in crate::pg::migrate) fn contradiction<'a>(
    error: &refinery_core::Error,
    history: &[Applied],
    migrations: impl IntoIterator<Item = &'a Migration> + Clone,
) -> Failure {
    let row = |version| history.iter().find(|row| row.version == version);
    let file = |version| {
        let mut all = migrations.clone().into_iter();
        all.find(|migration| migration.version == version)
    };
    match error.kind() {
        Kind::DivergentVersion(applied, on_disk) => {
            let path = file(on_disk.version()).map_or("", |m| m.up.document.path.as_str());
            let when = row(applied.version()).map_or(String::new(), |row| row.applied_on.escape_debug().to_string());
            let mut failure = Failure::new(
                Exit::History,
                format!("applied migration V{} differs from \"{path}\"", applied.version()),
            )
            .detail(format!(
                "The history has checksum {:016x} (\"{}\"), the file has {:016x} (\"{}\"); applied {when}.",
                applied.checksum(), applied.name().escape_debug(), on_disk.checksum(), on_disk.name(),
            ));
            let harmless = row(applied.version())
                .zip(file(on_disk.version()))
                .is_some_and(|(row, file)| fingerprint::is_harmless(row, file));
            failure = if harmless {
                failure
                    .detail("Only comments, spaces or line ends differ; the statements are the same.")
                    .hint("Restore the file, or accept its new checksum: edu db migrate --accept-edits")
            } else {
                failure.hint(
                    "Restore the file (git checkout -- <file>) and put the change in a new migration.",
                )
            };
            failure
        }
        Kind::MissingVersion(missing) => match file(missing.version()) {
            Some(file) => {
                let last = history.last().map_or(0, |row| row.version);
                Failure::new(
                    Exit::History,
                    format!(
                        "\"{}\" is older than the last applied migration V{last}",
                        file.up.document.path
                    ),
                )
                .detail(format!(
                    "V{} was never applied; applying it now would be out of order.",
                    file.version
                ))
                .hint(format!(
                    "Give it a version above {last}, or apply it late: edu db migrate --allow-out-of-order"
                ))
            }
            None => Failure::new(
                Exit::History,
                format!(
                    "applied migration V{} ({}) has no file",
                    missing.version(),
                    missing.name().escape_debug()
                ),
            )
            .detail("Every applied migration must stay in the project.")
            .detail("One of an option that edu.toml has switched off since is undone first: edu db rollback.")
            .hint("Bring the file back, or use the project version that this database belongs to."),
        },
        Kind::RepeatedVersion(repeated) => Failure::usage(format!(
            "version {} is used by two migrations",
            repeated.version()
        )),
        other => Failure::bug(format!("refinery stopped: {other}")),
    }
}

/// A connection that runs nothing: refinery decides on it what would run.
struct Rehearsal {
    history: Vec<refinery_core::Migration>,
}

impl AsyncTransaction for Rehearsal {
    type Error = Infallible;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> std::result::Result<usize, Infallible> {
        Ok(queries.count())
    }
}

impl AsyncQuery<Vec<refinery_core::Migration>> for Rehearsal {
    async fn query<'a>(
        &'a mut self,
        _: &'a str,
    ) -> std::result::Result<Vec<refinery_core::Migration>, Infallible> {
        Ok(self.history.clone())
    }
}

impl AsyncMigrate for Rehearsal {}
