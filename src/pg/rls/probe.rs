//! Makes the attempts: one transaction, always rolled back, with time limits on statements and locks.
//!
//! Sequences advance and dead rows stay for vacuum: nothing else outlives it. Attempts are made as
//! the login (`SET LOCAL SESSION AUTHORIZATION`) that became the application (`SET LOCAL ROLE`), so that
//! ways back out of the role are real.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::attempt::{attempt, keep, one, run, undo};
use super::seed;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::posture::Oid;
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::Scene;
use crate::probe::attempt::{Attempt, Context, Expect, Group, groups};
use crate::probe::shape::Shape;
use crate::probe::verdict::{Outcome, judge};
use crate::probe::world::{Who, World, insert, tables};
use crate::probe::{enter, escape, graph};

/// How many rows a table may have for attempts without a key on a database that is in use.
const ROWS_MAX: f64 = 10_000.0;

/// How the attempts are made.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The database is in use: nothing that could touch many rows is tried.
    pub in_use: bool,
    /// The session's user is a superuser.
    pub superuser: bool,
    /// Makes this run's values differ from any other's.
    pub run: String,
}

/// What the attempts showed.
#[derive(Debug, Default)]
pub struct Probed {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many attempts were made.
    pub attempts: usize,
    /// What could not be tried.
    pub notes: Vec<String>,
}

/// Makes all attempts and rolls them back.
///
/// # Errors
/// When the connection is lost or rows cannot be read. The transaction was rolled back then, too.
pub async fn probe(
    connection: &mut PgConnection,
    scene: &Scene<'_>,
    manner: &Manner,
) -> Result<Probed> {
    let lock = if manner.in_use { "80ms" } else { "2s" };
    run(connection, &format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '{lock}'; SET LOCAL statement_timeout = '20s'; SET LOCAL search_path = pg_catalog"
    )).await?;
    let probed = inside(connection, scene, manner).await;
    let ended = run(connection, "ROLLBACK").await;
    let probed = probed?;
    ended?;
    Ok(probed)
}

async fn inside(
    connection: &mut PgConnection,
    scene: &Scene<'_>,
    manner: &Manner,
) -> Result<Probed> {
    let shapes = shapes(connection, &tables(scene)).await?;
    run(
        connection,
        "SET LOCAL search_path TO DEFAULT; SAVEPOINT edu_world",
    )
    .await?;
    let world = World::new(scene, shapes, manner.run.clone());
    let mut prober = Prober {
        world: &world,
        manner,
        probed: Probed::default(),
        counts: BTreeMap::new(),
    };
    let missing = seed::rows(
        connection,
        &world,
        &[Who::A1, Who::A2, Who::B1],
        manner.superuser,
    )
    .await?;
    prober.tell_missing(&missing);
    seed::variants(connection, &world, &[Who::B1, Who::A2]).await?;
    let mut all = groups(&world);
    all.extend(escapes(&world, manner));
    // Only a superuser can be the login, whose right to enter is meant.
    if manner.superuser {
        all.extend(enter::groups(&world));
    }
    // A session cannot return to "never set": those attempts come first.
    all.sort_by_key(|group| group.context);
    let graph = graph_world(connection, &world).await?;
    if let Some(graph) = &graph {
        run(
            connection,
            "SET LOCAL search_path = \"$user\", public, ag_catalog",
        )
        .await?;
        for sql in &graph.seeds {
            let outcome = attempt(connection, sql).await?;
            match outcome.error {
                None => keep(connection).await?,
                Some(code) => {
                    undo(connection).await?;
                    prober.probed.notes.push(format!(
                        "the graph's rows could not be made: {} ({code})",
                        outcome.message
                    ));
                }
            }
        }
        run(connection, "SET LOCAL search_path TO DEFAULT").await?;
    }
    for group in &all {
        prober.group(connection, group).await?;
    }
    for group in graph.iter().flat_map(|graph| &graph.groups) {
        run(
            connection,
            "SET LOCAL search_path = \"$user\", public, ag_catalog",
        )
        .await?;
        prober.group(connection, group).await?;
        run(connection, "SET LOCAL search_path TO DEFAULT").await?;
    }
    prober.interference(connection).await?;
    Ok(prober.probed)
}

/// Ways out of the role, as far as this session can try them.
fn escapes(world: &World<'_>, manner: &Manner) -> Vec<Group> {
    let mut all = escape::groups(world);
    if !manner.superuser {
        // Without the login's own session, RESET ROLE leads back to whoever runs this, which proves nothing.
        for group in &mut all {
            group
                .attempts
                .retain(|attempt| !attempt.sql.starts_with("RESET ROLE"));
        }
    }
    all
}

/// The graph's attempts, with the tenants' ids as they are.
async fn graph_world(
    connection: &mut PgConnection,
    world: &World<'_>,
) -> Result<Option<graph::GraphWorld>> {
    let (Some(a), Some(b)) = (world.tenant_id(Who::A1), world.tenant_id(Who::B1)) else {
        return Ok(None);
    };
    let (a, b) = (
        seed::text(connection, &a).await?,
        seed::text(connection, &b).await?,
    );
    Ok(graph::world(world.scene, &a, &b, &a))
}

async fn shapes(connection: &mut PgConnection, tables: &[Oid]) -> Result<Vec<Shape>> {
    let oids: Vec<i64> = tables.iter().map(|oid| i64::from(*oid)).collect();
    let values: Vec<Value> = sqlx::query_scalar(include_str!("shape.sql"))
        .bind(oids)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("read what rows need", &error))?;
    let read = |value| {
        serde_json::from_value(value)
            .map_err(|error| Failure::bug(format!("could not understand a table's shape: {error}")))
    };
    values.into_iter().map(read).collect()
}

pub(super) struct Prober<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) manner: &'a Manner,
    pub(super) probed: Probed,
    pub(super) counts: BTreeMap<String, String>,
}

impl Prober<'_> {
    fn tell_missing(&mut self, missing: &[(Oid, String)]) {
        for (table, why) in missing {
            let name = self
                .world
                .scene
                .relations
                .get(table)
                .map(|r| r.full_name())
                .unwrap_or_default();
            let message = format!(
                "no row of a made-up tenant could be put into {name}: {why}; nothing about it was tried"
            );
            self.probed.findings.push(Finding::new(
                Engine::Probe,
                Severity::Error,
                "could-not-be-tried",
                name,
                message,
            ));
        }
    }

    /// The statements that enter a context.
    pub(super) fn enter(&self, context: Context, role: &str, replica: bool) -> Result<String> {
        let mut sql = "SAVEPOINT edu_context; ".to_owned();
        if replica && self.manner.superuser {
            sql.push_str("SET LOCAL session_replication_role = replica; ");
        }
        let scene = self.world.scene;
        if let Some((tenant, user)) = context.values(self.world) {
            for (setting, value) in [(&scene.tenant_setting, tenant), (&scene.user_setting, user)] {
                if let Some(setting) = setting {
                    sql.push_str(&format!(
                        "SELECT pg_catalog.set_config({}, {value}, true); ",
                        quote_literal(setting)?
                    ));
                }
            }
        }
        if let (Some(login), true) = (&scene.login, self.manner.superuser) {
            sql.push_str(&format!(
                "SET LOCAL SESSION AUTHORIZATION {}; ",
                quote_ident(login)
            ));
        }
        sql.push_str(&format!("SET LOCAL ROLE {}", quote_ident(role)));
        Ok(sql)
    }

    /// Whether the attempt could touch many rows of others on a database in use.
    fn too_wide(&self, attempt: &Attempt) -> bool {
        let rows = self
            .world
            .scene
            .relations
            .get(&attempt.table)
            .map_or(0.0, |relation| relation.rows);
        self.manner.in_use
            && (rows > ROWS_MAX && !attempt.sql.contains(" WHERE ")
                || attempt.command == "TRUNCATE")
    }

    async fn group(&mut self, connection: &mut PgConnection, group: &Group) -> Result<()> {
        for attempt in &group.attempts {
            if let Expect::Exactly(sql) | Expect::AtMost(sql) | Expect::Unchanged(sql) =
                &attempt.expect
                && !self.counts.contains_key(sql)
            {
                let count = one(connection, sql).await?;
                self.counts.insert(sql.clone(), count);
            }
        }
        if let Err(wrong) = run(
            connection,
            &self.enter(group.context, &group.role, group.replica)?,
        )
        .await
        {
            return Err(wrong.hint(
                "Attempts need a superuser, or a role that may SET ROLE to the application's.",
            ));
        }
        for one in &group.attempts {
            if self.too_wide(one) {
                if one.command != "TRUNCATE" {
                    self.probed.notes.push(format!(
                        "not tried on a database in use: {} {}",
                        one.object, one.what
                    ));
                }
                continue;
            }
            let outcome = self.attempt(connection, one).await?;
            self.probed.attempts += 1;
            if let Some(finding) = judge(group.context, &group.role, one, &outcome) {
                let finding = finding.reproduce(self.reproduce(group, one)?);
                self.probed.findings.push(finding);
            }
        }
        run(
            connection,
            "ROLLBACK TO SAVEPOINT edu_context; RELEASE SAVEPOINT edu_context",
        )
        .await
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        one_attempt: &Attempt,
    ) -> Result<Outcome> {
        let mut outcome = attempt(connection, &one_attempt.sql).await?;
        if let Expect::Exactly(sql) | Expect::AtMost(sql) | Expect::Unchanged(sql) =
            &one_attempt.expect
        {
            outcome.before = self.counts.get(sql).cloned().unwrap_or_default();
            outcome.after.clone_from(&outcome.before);
            if matches!(one_attempt.expect, Expect::Unchanged(_)) && outcome.error.is_none() {
                run(connection, "RESET ROLE; RESET SESSION AUTHORIZATION").await?;
                outcome.after = one(connection, sql).await?;
            }
        }
        undo(connection).await?;
        Ok(outcome)
    }

    /// A script that shows an attempt's outcome on any database of this structure, rolled back.
    fn reproduce(&self, group: &Group, one: &Attempt) -> Result<String> {
        let mut sql = "BEGIN; ".to_owned();
        if one.table != 0 {
            for relation in self.world.order() {
                for who in [Who::A1, Who::B1] {
                    sql.push_str(&insert(relation, &self.world.row(relation.oid, who, "")));
                    sql.push_str("; ");
                }
                if relation.oid == one.table {
                    break;
                }
            }
        }
        let enter = self.enter(group.context, &group.role, group.replica)?;
        sql.push_str(
            enter
                .strip_prefix("SAVEPOINT edu_context; ")
                .unwrap_or(&enter),
        );
        sql.push_str(&format!("; {}; ROLLBACK;", one.sql));
        Ok(sql)
    }
}
