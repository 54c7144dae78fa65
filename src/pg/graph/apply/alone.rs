//! The steps that take a transaction of their own: builds on tables with rows, proofs over old rows, and
//! what a superuser alone may do.

use std::time::{Duration, Instant};

use sqlx::Row;

use super::{ATTEMPTS_MAX, Run};
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::compare;
use crate::graph::{Phase, Step};
use crate::pg::error::failure;
use crate::pg::graph::inspect;
use crate::pg::session;
use crate::progress::{Progress, human_time};

impl Run<'_> {
    /// The steps of a phase, each in a transaction of its own.
    pub(super) async fn each(&mut self, phase: Phase) -> Result<()> {
        session::run(self.connection, "BEGIN READ ONLY", "begin a transaction").await?;
        let live = inspect::live(self.connection, self.wanted).await;
        session::run(self.connection, "ROLLBACK", "end the transaction").await?;
        let live = live?;
        if phase == Phase::Superuser && !live.around.superuser {
            return Ok(());
        }
        let steps = compare(self.wanted, &live)?
            .into_iter()
            .filter_map(|finding| finding.step);
        let steps: Vec<Step> = steps.filter(|step| step.phase == phase).collect();
        self.stage(&steps);
        for (done, step) in steps.iter().enumerate() {
            if phase == Phase::Build {
                (self.report)(Progress::Note(format!(
                    "{}: writes to its table wait while about {} rows are read, about {}",
                    step.what,
                    step.rows,
                    human_time(expected(step))
                )));
            }
            self.alone(step, phase).await?;
            (self.report)(Progress::At(done as u64 + 1));
        }
        Ok(())
    }

    async fn alone(&mut self, step: &Step, phase: Phase) -> Result<()> {
        let begun = Instant::now();
        let mut attempt = 1;
        loop {
            let result = self.alone_once(step, phase).await;
            let Err(failure) = result else { break };
            let _ = sqlx::raw_sql("ROLLBACK")
                .execute(&mut *self.connection)
                .await;
            match failure.exit {
                Exit::Lock if attempt < ATTEMPTS_MAX => attempt += 1,
                // Rows that break a constraint stay for `check` to show; the constraint holds for new ones.
                Exit::Sql if phase == Phase::Validate => return Ok(()),
                Exit::Lock => {
                    let holders = self.holders().await;
                    return Err(failure.detail(holders).hint(
                        "Run edu db graph again when the table is quiet, or give --table-lock-timeout more time.",
                    ));
                }
                _ => return Err(failure),
            }
        }
        if phase == Phase::Build {
            self.outcome
                .made
                .push(format!("{} in {}", step.what, human_time(begun.elapsed())));
            if self.options.amcheck {
                self.amcheck(step).await?;
            }
        } else {
            self.outcome.made.push(step.what.clone());
        }
        Ok(())
    }

    async fn alone_once(&mut self, step: &Step, phase: Phase) -> Result<()> {
        if phase == Phase::Superuser {
            let sql = format!(
                "BEGIN; SET LOCAL lock_timeout = '{}ms'",
                self.options.table_lock_timeout.as_millis()
            );
            session::run(self.connection, &sql, "begin a transaction").await?;
        } else {
            self.begin().await?;
        }
        self.one(step).await?;
        session::run(self.connection, "COMMIT", &format!("commit {}", step.what)).await
    }

    /// Who holds a lock on one of the graph's tables.
    async fn holders(&mut self) -> String {
        let row = sqlx::query(
            "SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('session %s (user \"%s\", %s)', a.pid, a.usename, a.state), ', ') AS who
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
             JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        )
        .bind(&self.wanted.ontology.graph)
        .fetch_optional(&mut *self.connection)
        .await;
        match row
            .ok()
            .flatten()
            .and_then(|row| row.get::<Option<String>, _>("who"))
        {
            Some(who) => format!("The graph's tables are in use by {who}."),
            None => "Whoever used the table has let it go by now.".to_owned(),
        }
    }

    async fn amcheck(&mut self, step: &Step) -> Result<()> {
        let (index, table) = step
            .what
            .trim_start_matches("index ")
            .split_once(" on ")
            .unwrap_or(("", ""));
        let (schema, name) = (&self.wanted.ontology.graph, index);
        let row = sqlx::query(
            "SELECT pg_catalog.to_regnamespace(e.extnamespace::pg_catalog.regnamespace::text)::text AS schema, c.oid::int8 AS oid, am.amname::text AS method
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am am ON am.oid = c.relam
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'amcheck'
             WHERE n.nspname = $1 AND c.relname = $2",
        )
        .bind(schema)
        .bind(name)
        .fetch_one(&mut *self.connection)
        .await
        .map_err(|error| failure(&format!("look at index \"{name}\""), &error))?;
        let Some(place) = row.get::<Option<String>, _>("schema") else {
            return Err(Failure::refused("extension \"amcheck\" is not created")
                .hint("As a superuser: CREATE EXTENSION amcheck"));
        };
        if row.get::<String, _>("method") != "btree" {
            return Ok(());
        }
        let sql = format!(
            "SELECT {place}.bt_index_check({}::pg_catalog.oid::pg_catalog.regclass, true)",
            row.get::<i64, _>("oid")
        );
        session::run(
            self.connection,
            &sql,
            &format!("prove index \"{name}\" on {table} with amcheck"),
        )
        .await
    }
}

/// How long a build is expected to take. Measured on a small machine: 5 µs a row for a btree, 15 µs for a GIN.
fn expected(step: &Step) -> Duration {
    let each = if step.sql.contains("USING gin") {
        15
    } else {
        5
    };
    Duration::from_micros(step.rows.saturating_mul(each))
}
