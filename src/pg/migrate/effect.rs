//! What a statement without a transaction may leave half-done, and how that is seen afterwards.

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::journal::Entry;
use crate::catalog::name::{Name, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::{concurrent as build, message, session};
use crate::sql::concurrent::{Concurrent, concurrent, may_commit};
use crate::sql::split::Statement;
use crate::sql::transaction::{concurrent_index, needs_no_transaction};

/// How a statement is run and, after a crash, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// It runs in a transaction together with its mark: nothing is ever unknown.
    Atomic,
    /// CREATE INDEX CONCURRENTLY: the index is there and valid, or it is built anew.
    Index(Name),
    /// Another concurrent statement, with its own proof.
    Other(Concurrent),
    /// An object of the whole cluster: there or not. The query gives one row when it is there; the
    /// flag says whether that means that the statement is done.
    Object(String, bool),
    /// Running it again does no harm.
    Repeatable,
    /// Only a person can tell.
    Unknown,
}

impl Effect {
    pub fn of(statement: &Statement) -> Self {
        if let Some(name) = concurrent_index(statement).and_then(|index| index.name) {
            return Self::Index(name);
        }
        if may_commit(statement) {
            return Self::Unknown;
        }
        let Some(kind) = needs_no_transaction(statement) else {
            return Self::Atomic;
        };
        match (concurrent(statement), kind) {
            (Some(other), _) => Self::Other(other),
            (None, "COMMIT PREPARED" | "ROLLBACK PREPARED") => Self::Unknown,
            (None, _) => object(statement).unwrap_or(Self::Repeatable),
        }
    }

    /// Whether an error of the server's means that nothing is left of the statement.
    pub fn fails_cleanly(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Whether it was seen to have had its effect. What is half-done is brought back or to its end.
    ///
    /// # Errors
    /// Exit 9 when only a person can tell.
    pub async fn is_done(&self, connection: &mut PgConnection, entry: &Entry) -> Result<bool> {
        match self {
            Self::Index(name) => build::clear_way(connection, name).await,
            Self::Other(Concurrent::DropIndex(name)) => {
                let sql = format!(
                    "SELECT pg_catalog.to_regclass({}) IS NULL AS gone",
                    quote_literal(name)?
                );
                Ok(rows(connection, sql)
                    .await?
                    .iter()
                    .any(|row| row.get("gone")))
            }
            Self::Other(Concurrent::Reindex(name)) => {
                clear_reindex(connection, name).await?;
                Ok(false)
            }
            Self::Other(Concurrent::Detach { parent, child }) => {
                detached(connection, parent, child).await
            }
            Self::Object(query, done_when_there) => {
                let there = !rows(connection, query.clone()).await?.is_empty();
                Ok(there == *done_when_there)
            }
            // An atomic statement is never announced: an open entry was made for another text.
            Self::Atomic | Self::Repeatable => Ok(false),
            Self::Unknown => Err(ask_a_person(entry)),
        }
    }

    /// Cleans up after a failed attempt, and proves after a good one that the effect is there.
    ///
    /// # Errors
    /// The attempt's; exit 9 when it said it worked and the effect is not there.
    pub async fn conclude(&self, connection: &mut PgConnection, outcome: Result<()>) -> Result<()> {
        match self {
            Self::Index(name) => build::conclude(connection, name, outcome).await,
            Self::Other(Concurrent::Reindex(name)) if outcome.is_err() => {
                clear_reindex(connection, name).await?;
                outcome
            }
            _ => outcome,
        }
    }
}

fn ask_a_person(entry: &Entry) -> Failure {
    let (version, k) = (entry.version, entry.k);
    Failure::new(
        Exit::Partial,
        format!("nobody knows whether statement {k} of {} of V{version} was done", entry.n),
    )
    .detail(format!("It was begun at {}: {}", entry.started_at, entry.statement))
    .detail("The run that began it ended before its answer came, and its effect cannot be seen in the catalogs. Look whether what it changes is changed.")
    .hint(format!(
        "If it is done: edu db repair --mark-done {version}:{k}; if not: edu db repair --retry {version}:{k}"
    ))
}

/// CREATE and DROP of what stands outside any database's transaction.
fn object(statement: &Statement) -> Option<Effect> {
    let words: Vec<&str> = statement.text.split_whitespace().take(6).collect();
    let create = words.first()?.eq_ignore_ascii_case("create");
    if !create && !words.first()?.eq_ignore_ascii_case("drop") {
        return None;
    }
    let (table, column) = match words.get(1)?.to_ascii_uppercase().as_str() {
        "DATABASE" => ("pg_database", "datname"),
        "TABLESPACE" => ("pg_tablespace", "spcname"),
        "SUBSCRIPTION" => ("pg_subscription", "subname"),
        _ => return None,
    };
    let exists = words.get(2)?.eq_ignore_ascii_case("if");
    let name = words.get(if exists { 4 } else { 2 })?.trim_end_matches(';');
    let name = crate::catalog::name::parse_ident(name).ok()?;
    let query = format!(
        "SELECT 1 FROM pg_catalog.{table} WHERE {column} = {}",
        quote_literal(&name).ok()?
    );
    Some(Effect::Object(query, create))
}

/// Whether the partition is detached. A detachment that waits for its second half is finished.
async fn detached(connection: &mut PgConnection, parent: &str, child: &str) -> Result<bool> {
    let sql = format!(
        "SELECT inhdetachpending AS pending FROM pg_catalog.pg_inherits
         WHERE inhparent = pg_catalog.to_regclass({}) AND inhrelid = pg_catalog.to_regclass({})",
        quote_literal(parent)?,
        quote_literal(child)?
    );
    let found = rows(connection, sql).await?;
    match found.first().map(|row| row.get::<bool, _>("pending")) {
        None => Ok(true),
        Some(false) => Ok(false),
        Some(true) => {
            let sql = format!("ALTER TABLE {parent} DETACH PARTITION {child} FINALIZE");
            session::run(connection, &sql, &format!("finish detaching {child}"))
                .await
                .map(|()| true)
        }
    }
}

/// Removes the invalid indexes that a broken-off REINDEX CONCURRENTLY left.
async fn clear_reindex(connection: &mut PgConnection, name: &str) -> Result<()> {
    let sql = format!(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND i.indrelid = (
             SELECT COALESCE(x.indrelid, t.oid) FROM pg_catalog.pg_class t
             LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = t.oid
             WHERE t.oid = pg_catalog.to_regclass({}))",
        quote_literal(name)?
    );
    for row in rows(connection, sql).await? {
        let leftover: String = row.get("name");
        let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {leftover}");
        session::run(
            connection,
            &sql,
            &format!("remove the invalid index {leftover}"),
        )
        .await?;
    }
    Ok(())
}

async fn rows(connection: &mut PgConnection, sql: String) -> Result<Vec<PgRow>> {
    message::ask(connection, sql)
        .await
        .map_err(|stop| failure("look for the effect of a statement", &stop.error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;
    use crate::sql::split::split;

    fn of(text: &str) -> Effect {
        let source = Source {
            path: "x.sql",
            text,
        };
        Effect::of(&split(source).unwrap().statements[0])
    }

    #[test]
    fn what_can_run_in_a_transaction_is_never_left_unknown() {
        for text in [
            "INSERT INTO t VALUES (1)",
            "ALTER TYPE e ADD VALUE 'x'",
            "DO $$ BEGIN PERFORM 1; END $$",
            "SET work_mem = '1MB'",
        ] {
            assert_eq!(of(text), Effect::Atomic, "{text}");
        }
    }

    #[test]
    fn only_what_leaves_no_trace_in_the_catalogs_needs_a_person() {
        assert_eq!(of("CALL backfill()"), Effect::Unknown);
        assert_eq!(of("DO $$ BEGIN COMMIT; END $$"), Effect::Unknown);
        assert_eq!(of("VACUUM t"), Effect::Repeatable);
        assert!(matches!(of("CREATE DATABASE d"), Effect::Object(_, true)));
        assert!(matches!(
            of("DROP DATABASE IF EXISTS d;"),
            Effect::Object(_, false)
        ));
        assert!(matches!(
            of("CREATE INDEX CONCURRENTLY i ON t (a)"),
            Effect::Index(_)
        ));
    }
}
