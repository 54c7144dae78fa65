//! What a run must pass before its first statement: the database is this project's, history and files agree, every hazard is allowed, and a plan that was made before still fits.
//! Meanwhile the project's revision is asked for.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use tokio::task::JoinHandle;

use super::context::Provenance;
use super::draft::Locks;
use super::look::{self, Look};
use super::{Plan, Stage, attest, audit, draft, order, select, store};
use crate::failure::{Failure, Result};
use crate::pg::lock::Lock;
use crate::pg::pooler;
use crate::progress::{Progress, Report};
use crate::spec::migration::Migration;

/// A run that may begin.
pub(super) struct Ready<'a> {
    /// What the database said of itself.
    pub look: Look,
    /// What is to be applied, by version.
    pub due: Vec<&'a Migration>,
    /// The pending migration behind it.
    pub next: Option<&'a Migration>,
    /// Who runs edu. Not asked for where nothing is due.
    pub provenance: Provenance,
    /// What the files lock.
    pub locks: Locks,
}

/// Looks, draws the plan of the run and judges it. After it edu's own schema is there, if the run needs it.
///
/// # Errors
/// Exit 8 for a database that is not this project's, or a hazard that no file allows; exit 4 when
/// history and files contradict each other or the plan that was made before no longer fits; those of
/// [`store::make`]. Nothing was changed then.
pub(super) async fn guard<'a>(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'a>,
    report: Report<'_>,
) -> Result<Ready<'a>> {
    let (mut ready, asked) = judge(connection, lock, plan, report).await?;
    let ordinary = plan.stage == Stage::Ordinary;
    let needed = ordinary && !ready.due.is_empty();
    if needed && store::is_missing(&ready.look) {
        store::make(connection, lock, plan.owner, &plan.context.project).await?;
    }
    if let Some(asked) = asked {
        let told = |error| Failure::bug(format!("could not ask who runs edu: {error}"));
        ready.provenance = asked.await.map_err(told)?;
    }
    let store = needed || ready.look.meta.is_some() && !store::is_missing(&ready.look);
    if ordinary && store {
        attest::catch_up(lock, plan, &ready.look, report).await?;
    }
    if !needed && !ready.look.open_runs.is_empty() {
        audit::abandon(lock, plan.owner).await?;
    }
    Ok(ready)
}

/// Looks, and judges what it finds. Nothing is written. Who runs edu is asked for meanwhile, where anything is due.
async fn judge<'a>(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'a>,
    report: Report<'_>,
) -> Result<(Ready<'a>, Option<JoinHandle<Provenance>>)> {
    let look = match lock.found_bare() {
        true => Look::bare(pooler::session(connection, "").await?),
        false => look::look(connection, false).await?,
    };
    store::check(&look, &plan.context.project, lock.server().database())?;
    let pending = order::pending_with(&look.history, plan.migrations, plan.tolerance).await?;
    let due = select(pending.clone(), plan);
    let mut ready = Ready {
        next: pending.get(due.len()).copied(),
        look,
        due,
        provenance: Provenance::default(),
        locks: Locks::default(),
    };
    if ready.due.is_empty() && plan.before.is_none() {
        return Ok((ready, None));
    }
    let provenance = Arc::clone(&plan.context.provenance);
    let asked = tokio::task::spawn_blocking(move || provenance());
    let (drawn, locks) = draft::drawn(connection, plan, &ready.look.history, &ready.due).await?;
    if let Some(before) = plan.before {
        drawn.refuse_if_moved(before)?;
    }
    drawn.refuse_hazards()?;
    for late in drawn.migrations.iter().filter(|one| one.out_of_order) {
        report(Progress::Warning(format!(
            "\"{}\" is applied out of order: newer migrations ran without it",
            late.path
        )));
    }
    ready.locks = locks;
    Ok((ready, Some(asked)))
}
