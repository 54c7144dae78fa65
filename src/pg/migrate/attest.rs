//! The audit trail of a bootstrap. Its files run before the owner of edu's own schema exists, so it is
//! written once they are applied.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::audit::{Ended, Failed, Run};
use super::history::{self, Applied, Standing};
use super::look::{self, Look};
use super::{Done, Plan, audit, fingerprint, store};
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::lock::Lock;
use crate::pg::message::Message;
use crate::progress::{Progress, Report};
use crate::spec::migration::Migration;

/// What a step says of a migration that nobody wrote down when it was applied.
const FOUND: &str = "It stood in the schema history; who applied it, nobody wrote down.";

/// The applied bootstrap migrations that the audit trail knows nothing of, though their files are what was
/// applied: a bootstrap was killed before it wrote them down, or a superuser ran the printed statements.
pub(super) fn untold<'a>(
    history: &[Applied],
    migrations: &'a [Migration],
) -> Result<Vec<&'a Migration>> {
    let mut all = Vec::new();
    for migration in migrations.iter().filter(|one| one.needs_superuser()) {
        let row = history.iter().find(|row| row.version == migration.version);
        let Some(row) = row.filter(|row| row.fingerprint.is_none()) else {
            continue;
        };
        if history::standing(row, migrations)? == Standing::Same {
            all.push(migration);
        }
    }
    Ok(all)
}

/// Writes who applied what into the audit trail, and what the files looked like; and what of the bootstrap the
/// trail lacked. Makes edu's own schema if it is missing. Without an owner nothing is written: the schema would
/// belong to the superuser, and whoever migrates could not read it.
///
/// # Errors
/// Exit 8 when the owner may not make the schema; nothing was written then.
pub async fn attest(
    connection: &mut PgConnection,
    lock: &Lock,
    plan: &Plan<'_>,
    done: &[Done],
) -> Result<()> {
    if plan.owner.is_none() {
        return Ok(());
    }
    let context = plan.context;
    let look = look::look(connection, false).await?;
    let of = |one: &Done| {
        let mut all = plan.migrations.iter();
        all.find(|migration| migration.version == one.version)
    };
    let mut told: Vec<Told<'_>> = done
        .iter()
        .filter_map(|one| of(one).map(|migration| (migration, Some(one))))
        .collect();
    for migration in untold(&look.history, plan.migrations)? {
        if !done.iter().any(|one| one.version == migration.version) {
            told.push((migration, None));
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    store::check(&look, &context.project, lock.server().database())?;
    if store::is_missing(&look) {
        store::make(connection, lock, plan.owner, &context.project).await?;
    }
    let sent = message(lock, plan, &told)?.send(connection).await;
    sent.map(drop)
        .map_err(|stop| failure("write the audit trail", &stop.error))
}

/// Writes down what of the bootstrap the audit trail lacks, on the lock's connection. edu's own schema is there.
///
/// # Errors
/// Exit 6 when the lock is lost.
pub(super) async fn catch_up(
    lock: &Lock,
    plan: &Plan<'_>,
    look: &Look,
    report: Report<'_>,
) -> Result<()> {
    let untold = untold(&look.history, plan.migrations)?;
    if untold.is_empty() {
        return Ok(());
    }
    let told: Vec<Told<'_>> = untold.iter().map(|one| (*one, None)).collect();
    lock.ask(message(lock, plan, &told)?).await?;
    for migration in untold {
        report(Progress::Note(format!(
            "the audit trail had nothing of V{}: it stands there now as found",
            migration.version
        )));
    }
    Ok(())
}

/// A migration, and how it was applied; nothing where nobody knows.
type Told<'a> = (&'a Migration, Option<&'a Done>);

fn message(lock: &Lock, plan: &Plan<'_>, told: &[Told<'_>]) -> Result<Message> {
    let migrations: Vec<&Migration> = told.iter().map(|(migration, _)| *migration).collect();
    let run = Run::new(
        &plan.context.command,
        (plan.context.provenance)(),
        audit::plan_hash(&migrations),
        lock.waited(),
        plan.owner,
    );
    let mut message = Message::default();
    if let Some(owner) = plan.owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    for statement in run.open(Some("done"))? {
        message.add(&statement);
    }
    for (migration, done) in told {
        message.add(&fingerprint::statement(migration)?);
        message.add(&run.step(&Ended {
            version: migration.version,
            name: &migration.name,
            took: Duration::from_millis(done.map_or(0, |done| done.took_ms)),
            lock_wait: Duration::ZERO,
            attempts: 1,
            well: "applied",
            failure: match done {
                Some(_) => None,
                None => Some(Failed {
                    outcome: "found",
                    sqlstate: String::new(),
                    message: FOUND.to_owned(),
                }),
            },
        })?);
    }
    Ok(message)
}
