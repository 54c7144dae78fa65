//! Drafting the plan of a run: history and files decide what is due, the database says what is there, and
//! `plan` judges.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;

use super::history::{self, Applied};
use super::{Plan, order, select};
use crate::failure::Result;
use crate::pg::facts;
use crate::plan::{self, Pending, draw, needed};
use crate::spec::migration::Migration;
use crate::sql::target::StrongLock;

/// A plan, and what it leaves out.
#[derive(Debug)]
pub struct Draft {
    /// The plan.
    pub plan: plan::Plan,
    /// The next migration's path, when a superuser must run it first.
    pub held_back: Option<String>,
}

/// Makes the plan of the run that `inputs` describe. Nothing is written.
///
/// # Errors
/// Exit 4 when history and files contradict each other.
pub async fn draft(connection: &mut PgConnection, inputs: &Plan<'_>) -> Result<Draft> {
    let history = history::read(connection).await?;
    let pending = order::pending_with(&history, inputs.migrations, inputs.tolerance).await?;
    let due = select(pending.clone(), inputs);
    let held_back = pending
        .get(due.len())
        .filter(|next| next.needs_superuser() && inputs.to.is_none_or(|to| next.version <= to))
        .map(|next| next.up.document.path.clone());
    Ok(Draft {
        plan: drawn(connection, inputs, &history, &due).await?.0,
        held_back,
    })
}

/// The strong locks that each file asks for, by version.
pub(super) type Locks = HashMap<i64, Vec<StrongLock>>;

/// The plan of running `due` on a database with this history, and what its files lock.
pub(super) async fn drawn(
    connection: &mut PgConnection,
    inputs: &Plan<'_>,
    history: &[Applied],
    due: &[&Migration],
) -> Result<(plan::Plan, Locks)> {
    let last = history.last().map_or(-1, |applied| applied.version);
    let pending: Vec<Pending<'_>> = due
        .iter()
        .map(|migration| Pending::new(migration, &migration.up, migration.version < last))
        .collect();
    let facts = facts::read(connection, &needed(&pending), inputs.graph).await?;
    let locks = pending.iter().map(Pending::locks).collect();
    Ok((draw(&pending, &facts, &history_text(history)), locks))
}

/// A text that changes when the history does.
pub fn history_text(history: &[Applied]) -> String {
    let line = |row: &Applied| format!("{}\t{}\t{}\n", row.version, row.name, row.checksum);
    history.iter().map(line).collect()
}
