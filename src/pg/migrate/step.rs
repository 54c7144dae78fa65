//! One migration: its statements and its history row in one transaction, or, for a file marked
//! no-transaction, statement by statement.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Result};
use crate::pg::error::{failure, statement_failure};
use crate::pg::lock::Lock;
use crate::pg::{concurrent, session};
use crate::progress::{Progress, Report};
use crate::spec::document::Document;
use crate::spec::migration::Migration;
use crate::sql::header::Role;
use crate::sql::split::Statement;
use crate::sql::transaction::concurrent_index;

/// One migration that is to run now.
pub(super) struct Step<'a> {
    pub migration: &'a Migration,
    /// refinery's CREATE TABLE of the schema history.
    pub create: &'a str,
    /// refinery's INSERT into the schema history.
    pub record: &'a str,
    pub owner: Option<&'a str>,
    pub lock: &'a Lock,
}

/// Runs the statements of a migration again, and records nothing.
pub(super) async fn repeat(connection: &mut PgConnection, migration: &Migration) -> Result<()> {
    session::reset(connection).await?;
    let whole = !migration.up.header.no_transaction;
    if whole {
        session::run(connection, "BEGIN", "begin a transaction").await?;
    }
    for statement in &migration.up.script.statements {
        if let Err(failure) = execute(connection, &migration.up.document, statement).await {
            if whole {
                let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            }
            return Err(failure);
        }
    }
    if whole {
        session::run(connection, "COMMIT", "commit the migration").await?;
    }
    Ok(())
}

async fn execute(
    connection: &mut PgConnection,
    document: &Document,
    statement: &Statement,
) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.text.clone()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| statement_failure(document, statement.body.start, &statement.text, &error))
}

impl Step<'_> {
    /// Runs the migration and records it.
    pub async fn run(&self, connection: &mut PgConnection, report: Report<'_>) -> Result<()> {
        session::reset(connection).await?;
        match &self.migration.up.header.role {
            Some(Role::Superuser) => {}
            Some(Role::Named(role)) => session::become_role(connection, Some(role)).await?,
            None => session::become_role(connection, self.owner).await?,
        }
        self.timeouts(connection).await?;
        if self.migration.up.header.no_transaction {
            self.run_plain(connection, report).await
        } else {
            self.run_in_transaction(connection).await
        }
    }

    async fn timeouts(&self, connection: &mut PgConnection) -> Result<()> {
        let header = &self.migration.up.header;
        for (setting, value) in [
            ("lock_timeout", header.lock_timeout),
            ("statement_timeout", header.statement_timeout),
        ] {
            if let Some(value) = value {
                let sql = format!("SET {setting} = '{}ms'", value.as_ms());
                session::run(connection, &sql, "set the migration's time limits").await?;
            }
        }
        Ok(())
    }

    async fn run_in_transaction(&self, connection: &mut PgConnection) -> Result<()> {
        session::run(connection, "BEGIN", "begin a transaction").await?;
        let outcome = self.statements_and_record(connection).await;
        match outcome {
            Ok(()) => session::run(connection, "COMMIT", &format!("commit {}", self.name())).await,
            Err(failure) => {
                let rolled_back = sqlx::raw_sql("ROLLBACK").execute(connection).await.is_ok();
                Err(if rolled_back {
                    failure.detail(format!("{} was rolled back.", self.name()))
                } else {
                    failure.detail(format!("The server rolls {} back.", self.name()))
                })
            }
        }
    }

    async fn statements_and_record(&self, connection: &mut PgConnection) -> Result<()> {
        for statement in &self.migration.up.script.statements {
            execute(connection, &self.migration.up.document, statement).await?;
        }
        self.record(connection).await
    }

    /// Writes the history row as the owner, in a transaction in which our lock was seen to be held.
    /// The first row brings its table with it: before the bootstrap there may be no owner.
    async fn record(&self, connection: &mut PgConnection) -> Result<()> {
        let doing = format!("record {} in the schema history", self.name());
        let role = self.owner.map_or("NONE".to_owned(), quote_ident);
        session::run(connection, &format!("SET LOCAL ROLE {role}"), &doing).await?;
        self.lock.check(connection).await?;
        let there: bool = sqlx::query_scalar("SELECT pg_catalog.to_regclass($1) IS NOT NULL")
            .bind(super::history::TABLE)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure(&doing, &error))?;
        if !there {
            session::run(connection, self.create, "create the schema history").await?;
        }
        session::run(connection, self.record, &doing).await?;
        super::fingerprint::record(connection, self.migration).await
    }

    async fn run_plain(&self, connection: &mut PgConnection, report: Report<'_>) -> Result<()> {
        let total = self.migration.up.script.statements.len();
        for (done, statement) in self.migration.up.script.statements.iter().enumerate() {
            report(Progress::Detail(format!(
                "{}, statement {} of {total}",
                self.name(),
                done + 1
            )));
            self.run_one_plain(connection, statement)
                .await
                .map_err(|failure| {
                    if done == 0 {
                        return failure.detail(format!("Nothing of {} was done.", self.name()));
                    }
                    failure
                        .exit(Exit::Partial)
                        .detail(format!(
                            "Statements 1 to {done} of {total} of {} are done and stay.",
                            self.name()
                        ))
                        .hint("Mend the cause, then run: edu db migrate")
                })?;
        }
        session::run(connection, "BEGIN", "begin a transaction").await?;
        self.record(connection).await?;
        session::run(connection, "COMMIT", &format!("record {}", self.name())).await
    }

    /// Runs one statement outside a transaction. A concurrent index build looks first: a valid index
    /// of that name counts as done, an invalid leftover is removed, and validity is proved after.
    async fn run_one_plain(
        &self,
        connection: &mut PgConnection,
        statement: &Statement,
    ) -> Result<()> {
        let Some(index) = concurrent_index(statement).and_then(|index| index.name) else {
            return execute(connection, &self.migration.up.document, statement).await;
        };
        if concurrent::clear_way(connection, &index).await? {
            return Ok(());
        }
        let outcome = execute(connection, &self.migration.up.document, statement).await;
        concurrent::conclude(connection, &index, outcome).await
    }

    fn name(&self) -> String {
        format!("V{}", self.migration.version)
    }
}
