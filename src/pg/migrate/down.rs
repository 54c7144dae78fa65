//! The way back: down files, newest first, each in one transaction with the removal of its history row.

use std::time::Instant;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::audit::Run;
use super::context::Context;
use super::history::Applied;
use super::journal::Entry;
use super::look::Look;
use super::order::{self, Tolerance};
use super::step::{Step, Way};
use super::watch::Watch;
use super::{Done, store};
use crate::failure::{Failure, Result};
use crate::pg::lock::Lock;
use crate::pg::message::answered;
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::effect::effects;
use crate::sql::fingerprint::checksum;
use crate::sql::target::file_locks;

/// One migration that is to be undone, with its way back.
#[derive(Debug, Clone, Copy)]
pub struct Undo<'a> {
    /// The migration.
    pub migration: &'a Migration,
    /// Its down file.
    pub file: &'a SqlFile,
}

/// What a rollback undoes: every applied migration above `to`, or only the newest. Newest first.
///
/// # Errors
/// Exit 4 when history and files contradict each other; exit 8 when one of them has no way back, says that
/// there is none, or is a bootstrap migration.
pub async fn chosen<'a>(
    history: &[Applied],
    migrations: &'a [Migration],
    to: Option<i64>,
) -> Result<Vec<Undo<'a>>> {
    let tolerance = Tolerance { out_of_order: true };
    order::pending_with(history, migrations, tolerance).await?;
    if let Some(to) = to
        && to != 0
        && !history.iter().any(|row| row.version == to)
    {
        return Err(Failure::usage(format!(
            "V{to} is not applied, so it cannot be gone back to"
        ))
        .hint("See what is applied: edu db status. To undo everything: --to 0"));
    }
    let newest_first = history.iter().rev();
    let rows: Vec<&Applied> = match to {
        Some(to) => newest_first.take_while(|row| row.version > to).collect(),
        None => newest_first.take(1).collect(),
    };
    let file = |row: &&Applied| migrations.iter().find(|one| one.version == row.version);
    // Where everything is asked for, the bootstrap at the bottom stays.
    let all = rows.iter().filter_map(file);
    let asked: Vec<&Migration> = match to {
        Some(0) => all.take_while(|one| !one.needs_superuser()).collect(),
        _ => all.collect(),
    };
    asked.into_iter().map(way_back).collect()
}

fn way_back(migration: &Migration) -> Result<Undo<'_>> {
    let path = &migration.up.document.path;
    let refused =
        |why: &str| Failure::refused(format!("\"{path}\" cannot be rolled back")).detail(why);
    if migration.needs_superuser() {
        return Err(refused(
            "It is a bootstrap migration: roles and extensions belong to more than this database's history.",
        )
        .hint("Roll back to it, not past it; dropping the database is the way back from it."));
    }
    if migration.up.header.irreversible {
        return Err(refused("It says `-- edu: irreversible`.")
            .hint("Write a new migration that brings about what you want."));
    }
    let Some(file) = &migration.down else {
        let down = path.strip_suffix(".sql").unwrap_or(path);
        return Err(refused("It has no down file.").hint(format!(
            "Write \"{down}.down.sql\", or say `-- edu: irreversible` in the migration."
        )));
    };
    Ok(Undo { migration, file })
}

/// How many rows a table has: counted where that takes less than two seconds. `relation` is quoted.
///
/// # Errors
/// When the connection is lost, or the network has gone silent.
pub async fn count_rows(connection: &mut PgConnection, relation: &str) -> Result<Option<u64>> {
    let doing = format!("count the rows of {relation}");
    let sql = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = '2s'; SET LOCAL row_security = off; \
         SELECT count(*) FROM {relation}"
    );
    let counting = async {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await;
        session::run(connection, "ROLLBACK", &doing).await?;
        Ok(rows)
    };
    let rows = answered(&doing, counting).await?;
    let count = rows.ok().and_then(|rows| {
        let count: Option<i64> = sqlx::Row::try_get(rows.last()?, 0).ok();
        count
    });
    Ok(count.and_then(|count| u64::try_from(count).ok()))
}

/// What a rollback needs to know.
pub struct Rollback<'a> {
    /// The role that owns everything, if the project names one.
    pub owner: Option<&'a str>,
    /// Whose run it is, and how patient.
    pub context: &'a Context,
    /// What is undone, in this order.
    pub undo: &'a [Undo<'a>],
}

/// Runs the down files in their order, each as a migration is run: within its budget for locks, in the
/// journal where it has no transaction, with a row in the audit trail. `look` was taken under `lock`, which
/// the caller holds.
///
/// # Errors
/// The first failure; what was undone before it stays undone, and it says so.
pub async fn run(
    connection: &mut PgConnection,
    lock: &Lock,
    rollback: &Rollback<'_>,
    look: &Look,
    report: Report<'_>,
) -> Result<Vec<Done>> {
    let context = rollback.context;
    store::check(look, &context.project, lock.server().database())?;
    if store::is_missing(look) {
        store::make(connection, lock, rollback.owner, &context.project).await?;
    }
    let text: String = rollback
        .undo
        .iter()
        .map(|one| format!("-{} {}\n", one.migration.version, one.file.fingerprint()))
        .collect();
    let run = Run::new(
        &context.command,
        (context.provenance)(),
        checksum(&text),
        lock.waited(),
        rollback.owner,
    );
    let watch = Watch::new(lock, &context.cancel, report, look);
    let mut done: Vec<Done> = Vec::new();
    let total = rollback.undo.len();
    report(Progress::counted("rolling back", total as u64, Unit::Items));
    for (at, one) in rollback.undo.iter().enumerate() {
        report(Progress::Detail(one.file.document.path.clone()));
        if context.cancel.requested().is_some() {
            return Err(before(&done, context.cancel.failure()));
        }
        let begun = Instant::now();
        let entries: Vec<Entry> = look
            .journal
            .iter()
            .filter(|entry| entry.version == one.migration.version)
            .cloned()
            .collect();
        let statements: Vec<_> = one.file.script.statements.iter().map(effects).collect();
        let step = Step {
            migration: one.migration,
            file: one.file,
            way: Way::Back,
            owner: rollback.owner,
            context,
            watch: &watch,
            run: Some(&run),
            first: at == 0,
            last: at + 1 == total,
            locks: &file_locks(&statements),
            entries: &entries,
        };
        step.run(connection).await.map_err(|f| before(&done, f))?;
        done.push(Done {
            version: one.migration.version,
            path: one.file.document.path.clone(),
            took_ms: super::milliseconds(begun.elapsed()),
        });
        report(Progress::At(done.len() as u64));
    }
    report(Progress::Done);
    session::reset(connection).await?;
    Ok(done)
}

/// Adds what stays undone.
fn before(done: &[Done], failure: Failure) -> Failure {
    match done {
        [] => failure.detail("Nothing else of this run was rolled back."),
        [.., last] => failure.detail(format!(
            "V{} and what is newer were rolled back before it.",
            last.version
        )),
    }
}
