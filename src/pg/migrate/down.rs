//! The way back: down files, newest first, each in one transaction with the removal of its history row.

use std::time::Instant;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::history::{Applied, TABLE};
use super::order::{self, Tolerance};
use super::{Done, fingerprint};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::{failure, statement_failure};
use crate::pg::lock::Lock;
use crate::pg::{concurrent, session};
use crate::progress::{Progress, Report, Unit};
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::effect::{Target, effects};
use crate::sql::header::Role;
use crate::sql::split::Statement;
use crate::sql::transaction::concurrent_index;

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
pub async fn count_rows(connection: &mut PgConnection, relation: &str) -> Option<u64> {
    let sql = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = '2s'; SET LOCAL row_security = off; \
         SELECT count(*) FROM {relation}"
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(&mut *connection)
        .await;
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    let count: i64 = sqlx::Row::try_get(rows.ok()?.last()?, 0).ok()?;
    u64::try_from(count).ok()
}

/// Runs the down files in their order. The lock is held by the caller.
///
/// # Errors
/// The first failure; what was undone before it stays undone, and it says so.
pub async fn run(
    connection: &mut PgConnection,
    lock: &Lock,
    owner: Option<&str>,
    undo: &[Undo<'_>],
    report: Report<'_>,
) -> Result<Vec<Done>> {
    let mut done: Vec<Done> = Vec::new();
    report(Progress::counted(
        "rolling back",
        undo.len() as u64,
        Unit::Items,
    ));
    for one in undo {
        report(Progress::Detail(one.file.document.path.clone()));
        let begun = Instant::now();
        let step = Step {
            undo: *one,
            owner,
            lock,
        };
        step.run(connection)
            .await
            .map_err(|failure| match done.as_slice() {
                [] => failure.detail("Nothing else of this run was rolled back."),
                [.., last] => failure.detail(format!(
                    "V{} and what is newer were rolled back before it.",
                    last.version
                )),
            })?;
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

struct Step<'a> {
    undo: Undo<'a>,
    owner: Option<&'a str>,
    lock: &'a Lock,
}

impl Step<'_> {
    async fn run(&self, connection: &mut PgConnection) -> Result<()> {
        session::reset(connection).await?;
        let header = &self.undo.file.header;
        match &header.role {
            Some(Role::Superuser) => {}
            Some(Role::Named(role)) => session::become_role(connection, Some(role)).await?,
            None => session::become_role(connection, self.owner).await?,
        }
        for (setting, value) in [
            ("lock_timeout", header.lock_timeout),
            ("statement_timeout", header.statement_timeout),
        ] {
            if let Some(value) = value {
                let sql = format!("SET {setting} = '{}ms'", value.as_ms());
                session::run(connection, &sql, "set the file's time limits").await?;
            }
        }
        match header.no_transaction {
            true => self.one_by_one(connection).await,
            false => self.at_once(connection).await,
        }
    }

    async fn at_once(&self, connection: &mut PgConnection) -> Result<()> {
        let version = self.undo.migration.version;
        session::run(connection, "BEGIN", "begin a transaction").await?;
        let outcome = async {
            for statement in &self.undo.file.script.statements {
                self.execute(connection, statement).await?;
            }
            self.forget(connection).await
        }
        .await;
        match outcome {
            Ok(()) => {
                session::run(
                    connection,
                    "COMMIT",
                    &format!("commit the rollback of V{version}"),
                )
                .await
            }
            Err(failure) => {
                let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
                Err(failure.detail(format!("V{version} is applied as before.")))
            }
        }
    }

    async fn one_by_one(&self, connection: &mut PgConnection) -> Result<()> {
        let version = self.undo.migration.version;
        let total = self.undo.file.script.statements.len();
        for (done, statement) in self.undo.file.script.statements.iter().enumerate() {
            self.execute_plain(connection, statement).await.map_err(|failure| match done {
                0 => failure.detail(format!("V{version} is applied as before.")),
                _ => failure
                    .exit(Exit::Partial)
                    .detail(format!("Statements 1 to {done} of {total} are done and stay; V{version} still counts as applied."))
                    .hint("Mend the cause, then run the same command again."),
            })?;
        }
        session::run(connection, "BEGIN", "begin a transaction").await?;
        self.forget(connection).await?;
        session::run(connection, "COMMIT", &format!("forget V{version}")).await
    }

    /// A concurrent index that is gone, or valid, already counts as done: an earlier run may have stopped
    /// after it.
    async fn execute_plain(
        &self,
        connection: &mut PgConnection,
        statement: &Statement,
    ) -> Result<()> {
        if let Some(index) = concurrent_index(statement).and_then(|index| index.name) {
            if concurrent::clear_way(connection, &index).await? {
                return Ok(());
            }
            let outcome = self.execute(connection, statement).await;
            return concurrent::conclude(connection, &index, outcome).await;
        }
        for effect in effects(statement) {
            if let ("DROP INDEX CONCURRENTLY", Target::Index(index)) = (effect.action, &effect.on) {
                let name = match &index.schema {
                    Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(&index.name)),
                    None => quote_ident(&index.name),
                };
                let there: bool =
                    sqlx::query_scalar("SELECT pg_catalog.to_regclass($1) IS NOT NULL")
                        .bind(name)
                        .fetch_one(&mut *connection)
                        .await
                        .map_err(|error| failure("look for the index", &error))?;
                if !there {
                    return Ok(());
                }
            }
        }
        self.execute(connection, statement).await
    }

    async fn execute(&self, connection: &mut PgConnection, statement: &Statement) -> Result<()> {
        let document = &self.undo.file.document;
        sqlx::raw_sql(AssertSqlSafe(statement.text.clone()))
            .execute(connection)
            .await
            .map(drop)
            .map_err(|error| {
                statement_failure(document, statement.body.start, &statement.text, &error)
            })
    }

    /// Takes the version out of the history, as the owner, in a transaction in which our lock is held.
    async fn forget(&self, connection: &mut PgConnection) -> Result<()> {
        let version = self.undo.migration.version;
        let doing = format!("take V{version} out of the schema history");
        // The file's own role may not touch the history.
        let role = self.owner.map_or("NONE".to_owned(), quote_ident);
        session::run(connection, &format!("SET LOCAL ROLE {role}"), &doing).await?;
        self.lock.check(connection).await?;
        let sql = AssertSqlSafe(format!("DELETE FROM {TABLE} WHERE version = $1"));
        let gone = sqlx::query(sql)
            .bind(version)
            .execute(&mut *connection)
            .await
            .map_err(|error| failure(&doing, &error))?;
        if gone.rows_affected() != 1 {
            return Err(Failure::new(
                Exit::History,
                format!("V{version} was not in the schema history any more"),
            ));
        }
        fingerprint::forget(connection, version).await
    }
}
