//! What a run must pass before its first statement: hazards that no file allows, and a plan that was made
//! before. Meanwhile edu's own schema is made ready and the project's revision is asked for.

use std::sync::Arc;

use sqlx::postgres::PgConnection;

use super::context::Provenance;
use super::draft::Locks;
use super::look::Look;
use super::{Plan, Stage, draft, store};
use crate::failure::Result;
use crate::pg::lock::Lock;
use crate::progress::{Progress, Report};
use crate::spec::migration::Migration;

/// Draws the plan of the run and judges it. After it edu's own schema is there, if the run needs it.
/// Gives who runs edu, and what the files lock.
///
/// # Errors
/// Exit 8 for a hazard that no file allows, exit 4 when the plan that was made before no longer fits, and
/// those of [`store::begin`]. Nothing was changed then.
pub(super) async fn guard(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'_>,
    look: &Look,
    due: &[&Migration],
    report: Report<'_>,
) -> Result<(Provenance, Locks)> {
    let missing = plan.stage == Stage::Ordinary && !due.is_empty() && store::is_missing(look);
    let provenance = Arc::clone(&plan.context.provenance);
    let asked = tokio::task::spawn_blocking(move || provenance());
    // Three things that do not wait for each other: the schema is made, uncommitted, by the lock's
    // session, while this one looks at what the plan depends on.
    let (drawn, made, provenance) = tokio::join!(
        draft::drawn(connection, plan, &look.history, due),
        async {
            match missing {
                true => store::begin(lock, plan.owner, &plan.context.project).await,
                false => Ok(()),
            }
        },
        asked,
    );
    let verdict = drawn.and_then(|(drawn, locks)| {
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
        Ok(locks)
    });
    if missing {
        store::end(lock, verdict.is_ok() && made.is_ok()).await?;
    }
    let locks = verdict?;
    made?;
    Ok((provenance.unwrap_or_default(), locks))
}
