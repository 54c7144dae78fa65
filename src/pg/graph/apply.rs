//! Making what is missing of a graph.
//!
//! Labels and everything short come in one transaction, so that a broken-off run leaves nothing of it.
//! An index on a table with rows is built plainly in a transaction of its own: writers of that table
//! wait until it is done, which is said beforehand. Never CONCURRENTLY: beside an open Cypher SET that
//! leaves an index without the changed rows, and no error.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::inspect;
use crate::catalog::name::quote_literal;
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::{Wanted, compare};
use crate::graph::{Finding, Phase, Step};
use crate::pg::error::{failure, server_error, sqlstate};
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;

mod alone;

/// How often a step is tried that could not get its lock in time.
const ATTEMPTS_MAX: u32 = 5;

/// How a graph is built.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long one statement may wait for a table's lock. While it waits, others queue behind it.
    pub table_lock_timeout: Duration,
    /// Prove every built btree with amcheck.
    pub amcheck: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            table_lock_timeout: Duration::from_secs(3),
            amcheck: false,
        }
    }
}

/// What building did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was made, in order.
    pub made: Vec<String>,
    /// What is still not as declared and is no mere note, because it needs somebody's decision.
    pub left: Vec<Finding>,
}

/// What is missing, in the order in which it would be made. Changes nothing.
///
/// # Errors
/// Exit 2 when edu.toml lacks what isolation needs.
pub async fn missing(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
) -> Result<Vec<Step>> {
    let wanted = Wanted { manifest, ontology };
    session::run(connection, "BEGIN READ ONLY", "begin a transaction").await?;
    let found = differences(connection, wanted).await;
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    let mut steps: Vec<Step> = found?
        .into_iter()
        .filter_map(|finding| finding.step)
        .collect();
    steps.sort_by_key(|step| step.phase);
    Ok(steps)
}

async fn differences(connection: &mut PgConnection, wanted: Wanted<'_>) -> Result<Vec<Finding>> {
    let live = inspect::live(connection, wanted).await?;
    compare(wanted, &live)
}

/// Makes what is missing, as the owner. edu's lock is held by the caller.
///
/// # Errors
/// Exit 2 when a label exists as the other kind, exit 6 when a table's lock was not to be had, else by
/// SQLSTATE. What was made before is named; what was not is left as it was.
pub async fn apply(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
    options: Options,
    report: Report<'_>,
) -> Result<Outcome> {
    session::reset(connection).await?;
    let wanted = Wanted { manifest, ontology };
    let mut run = Run {
        connection,
        wanted,
        options,
        report,
        outcome: Outcome::default(),
    };
    let result = run.all().await;
    report(Progress::Done);
    let Run { mut outcome, .. } = run;
    outcome.made.dedup();
    match result {
        Ok(()) => Ok(outcome),
        Err(failure) if outcome.made.is_empty() => {
            Err(failure.detail("Nothing of the graph was changed."))
        }
        Err(failure) => Err(failure.detail(format!(
            "Made before and kept: {}.",
            outcome.made.join(", ")
        ))),
    }
}

struct Run<'a> {
    connection: &'a mut PgConnection,
    wanted: Wanted<'a>,
    options: Options,
    report: Report<'a>,
    outcome: Outcome,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<()> {
        let findings = self.look().await?;
        refuse_other_kinds(self.wanted, &findings)?;
        let has = |phases: &[Phase]| {
            findings.iter().any(|finding| {
                finding
                    .step
                    .as_ref()
                    .is_some_and(|step| phases.contains(&step.phase))
            })
        };
        if !has(&[
            Phase::Label,
            Phase::Structure,
            Phase::Build,
            Phase::Validate,
            Phase::Superuser,
        ]) {
            self.outcome.left = findings;
            return Ok(());
        }
        if has(&[Phase::Label, Phase::Structure]) {
            self.structure().await?;
        }
        self.each(Phase::Superuser).await?;
        self.each(Phase::Build).await?;
        self.each(Phase::Validate).await?;
        self.outcome.left = self.look().await?;
        Ok(())
    }

    async fn look(&mut self) -> Result<Vec<Finding>> {
        session::run(self.connection, "BEGIN READ ONLY", "begin a transaction").await?;
        let found = differences(self.connection, self.wanted).await;
        session::run(self.connection, "ROLLBACK", "end the transaction").await?;
        found
    }

    /// Labels, and then all that is short, in one transaction.
    async fn structure(&mut self) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.structure_once().await {
                Ok(made) => {
                    self.outcome.made.extend(made);
                    return Ok(());
                }
                Err(failure) => {
                    let _ = sqlx::raw_sql("ROLLBACK")
                        .execute(&mut *self.connection)
                        .await;
                    if failure.exit != Exit::Lock || attempt == ATTEMPTS_MAX {
                        return Err(failure);
                    }
                }
            }
            attempt += 1;
            (self.report)(Progress::Detail(format!(
                "a table is in use, attempt {attempt}"
            )));
        }
    }

    async fn structure_once(&mut self) -> Result<Vec<String>> {
        let mut made = Vec::new();
        self.begin().await?;
        for phase in [Phase::Label, Phase::Structure] {
            // Looked up anew for each phase: making the graph makes the parents, and newer AGE makes keys,
            // indexes and triggers with a label.
            loop {
                let steps = self.due(phase).await?;
                let path = "SET LOCAL search_path = \"$user\", public, ag_catalog";
                session::run(self.connection, path, "set the path").await?;
                self.stage(&steps);
                for (done, step) in steps.iter().enumerate() {
                    self.one(step).await?;
                    made.push(step.what.clone());
                    (self.report)(Progress::At(done as u64 + 1));
                }
                if phase == Phase::Structure || steps.is_empty() {
                    break;
                }
            }
        }
        session::run(self.connection, "COMMIT", "commit the graph's changes").await?;
        Ok(made)
    }

    fn stage(&self, steps: &[Step]) {
        if !steps.is_empty() {
            let what = format!("building graph {}", self.wanted.ontology.graph);
            (self.report)(Progress::counted(what, steps.len() as u64, Unit::Items));
        }
    }

    /// Begins a transaction as the owner, with the lock that every maker of labels takes: two sessions
    /// that make one label at once fail each other.
    async fn begin(&mut self) -> Result<()> {
        let graph = quote_literal(&format!("edu:graph:{}", self.wanted.ontology.graph))?;
        session::run(self.connection, "BEGIN", "begin a transaction").await?;
        let owner = self.wanted.manifest.roles.owner.as_deref();
        session::become_role_locally(self.connection, owner).await?;
        let sql = format!(
            "SET LOCAL client_min_messages = warning; SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext({graph})); \
             SET LOCAL lock_timeout = '{}ms'",
            self.options.table_lock_timeout.as_millis()
        );
        session::run(self.connection, &sql, "wait for other makers of labels").await
    }

    async fn due(&mut self, phase: Phase) -> Result<Vec<Step>> {
        let findings = differences(self.connection, self.wanted).await?;
        let steps = findings.into_iter().filter_map(|finding| finding.step);
        Ok(steps.filter(|step| step.phase == phase).collect())
    }

    async fn one(&mut self, step: &Step) -> Result<()> {
        (self.report)(Progress::Detail(step.what.clone()));
        sqlx::raw_sql(AssertSqlSafe(step.sql.clone()))
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(|error| step_failure(step, &error))
    }
}

fn refuse_other_kinds(wanted: Wanted<'_>, findings: &[Finding]) -> Result<()> {
    let Some(finding) = findings
        .iter()
        .find(|finding| finding.code.id == "label-kind")
    else {
        return Ok(());
    };
    let name = finding.object.trim_start_matches("label ");
    let failure = Failure::usage(format!("label \"{name}\" exists as the other kind"))
        .detail("A label is for vertices or for edges, and its kind cannot be changed.")
        .hint("Give the label in graph/ontology.toml another name, or drop the existing one.");
    Err(match wanted.ontology.label(name) {
        Some(label) => failure.at(wanted.ontology.excerpt(label.span.clone(), "here")),
        None => failure,
    })
}

fn step_failure(step: &Step, error: &sqlx::Error) -> Failure {
    let failure = failure(&format!("make {}", step.what), error);
    match sqlstate(error) {
        "23505" => failure.hint("Rows share what is to be unique. See which: edu db graph check"),
        "23514" => failure.hint("Rows break the constraint. See which: edu db graph check"),
        "42501" if server_error(error).is_some_and(|e| e.message().contains("must be owner")) => {
            failure
                .hint("Give the graph's schema, tables and sequences to the project's owner role.")
        }
        _ => failure,
    }
}
