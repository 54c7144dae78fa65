//! What a run must pass before its first statement: the database is this project's, history and files agree, every hazard is allowed, and a plan that was made before still fits.
//! Meanwhile edu's own schema is made ready and the project's revision is asked for.

use std::sync::Arc;

use sqlx::postgres::PgConnection;

use super::context::Provenance;
use super::draft::Locks;
use super::look::{self, Look};
use super::{Plan, Stage, attest, audit, draft, order, select, store};
use crate::failure::{Failure, Result};
use crate::pg::lock::Lock;
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
/// [`store::begin`]. Nothing was changed then.
pub(super) async fn guard<'a>(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'a>,
    report: Report<'_>,
) -> Result<Ready<'a>> {
    // In a bare database the lock's session makes the schema, uncommitted, while this one looks.
    let early = plan.stage == Stage::Ordinary && lock.found_bare() && !plan.migrations.is_empty();
    let (judged, made) = tokio::join!(judge(connection, lock, plan, report), async {
        match early {
            true => store::begin(lock, plan.owner, &plan.context.project).await,
            false => Ok(()),
        }
    });
    let needed =
        plan.stage == Stage::Ordinary && judged.as_ref().is_ok_and(|ready| !ready.due.is_empty());
    let ended = match early {
        true => store::end(lock, needed && made.is_ok()).await,
        false => Ok(()),
    };
    let ready = judged?;
    ended?;
    if needed && early {
        made?;
    } else if needed && store::is_missing(&ready.look) {
        store::make(lock, plan.owner, &plan.context.project).await?;
    }
    let store = needed || ready.look.meta.is_some() && !store::is_missing(&ready.look);
    if plan.stage == Stage::Ordinary && store {
        attest::catch_up(lock, plan, &ready.look, report).await?;
    }
    if !needed && !ready.look.open_runs.is_empty() {
        audit::abandon(lock, plan.owner).await?;
    }
    Ok(ready)
}

/// Looks, and judges what it finds. Nothing is written.
async fn judge<'a>(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'a>,
    report: Report<'_>,
) -> Result<Ready<'a>> {
    let look = look::look(connection, false).await?;
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
        return Ok(ready);
    }
    let provenance = Arc::clone(&plan.context.provenance);
    let asked = tokio::task::spawn_blocking(move || provenance());
    let (drawn, asked) = tokio::join!(
        draft::drawn(connection, plan, &ready.look.history, &ready.due),
        asked
    );
    let (drawn, locks) = drawn?;
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
    ready.provenance =
        asked.map_err(|error| Failure::bug(format!("could not ask who runs edu: {error}")))?;
    Ok(ready)
}
