//! The audit trail of a bootstrap. Its files run before the owner of edu's own schema exists, so it is
//! written once they are applied.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::audit::{Ended, Run};
use super::{Done, Plan, audit, fingerprint, look, store};
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::lock::Lock;
use crate::pg::message::Message;
use crate::spec::migration::Migration;

/// Writes who applied what into the audit trail, and what the files looked like. Makes edu's own schema if
/// it is missing. Without an owner nothing is written: the schema would belong to the superuser, and whoever
/// migrates could not read it.
///
/// # Errors
/// Exit 8 when the owner may not make the schema; nothing was written then.
pub async fn attest(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'_>,
    done: &[Done],
) -> Result<()> {
    let (Some(owner), false) = (plan.owner, done.is_empty()) else {
        return Ok(());
    };
    let context = plan.context;
    let look = look::look(connection, false).await?;
    store::check(&look, &context.project, lock.server().database())?;
    if store::is_missing(&look) {
        store::make(connection, lock, plan.owner, &context.project).await?;
    }
    let of = |one: &Done| {
        let mut all = plan.migrations.iter();
        all.find(|migration| migration.version == one.version)
    };
    let applied: Vec<(&Done, &Migration)> = done
        .iter()
        .filter_map(|one| of(one).map(|migration| (one, migration)))
        .collect();
    let migrations: Vec<&Migration> = applied.iter().map(|(_, migration)| *migration).collect();
    let run = Run::new(
        &context.command,
        (context.provenance)(),
        audit::plan_hash(&migrations),
        lock.waited(),
        plan.owner,
    );
    let mut message = Message::default();
    message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    for statement in run.open(Some("done"))? {
        message.add(&statement);
    }
    for (one, migration) in applied {
        message.add(&fingerprint::statement(migration)?);
        message.add(&run.step(&Ended {
            version: one.version,
            name: &migration.name,
            took: Duration::from_millis(one.took_ms),
            lock_wait: Duration::ZERO,
            attempts: 1,
            well: "applied",
            failure: None,
        })?);
    }
    let sent = message.send(connection).await;
    sent.map(drop)
        .map_err(|stop| failure("write the audit trail", &stop.error))
}
