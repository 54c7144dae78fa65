//! edu's own schema `edu`: making it, and refusing one that is not ours.

use super::look::Look;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::lock::{self, Lock};
use crate::pg::message::Message;

const SQL: &str = include_str!("store.sql");

/// The layout that this edu makes and understands.
const LAYOUT: i32 = 2;

/// Refuses a database that belongs to another project, to a newer edu, or whose schema `edu` is
/// somebody else's.
///
/// # Errors
/// Exit 8.
pub fn check(look: &Look, project: &str, database: &str) -> Result<()> {
    match &look.meta {
        Some(meta) if meta.project != project => Err(Failure::refused(format!(
            "database \"{database}\" belongs to project \"{}\", not to \"{project}\"",
            meta.project
        ))
        .detail("Its schema edu says so.")
        .hint(
            "Check the URL; if the project was renamed: UPDATE edu.meta SET project = '<new name>'",
        )),
        Some(meta) if meta.layout > LAYOUT => Err(Failure::refused(format!(
            "database \"{database}\" was used by a newer edu (layout {} of its schema edu)",
            meta.layout
        ))
        .hint("Use that edu, or a newer one.")),
        None if look.store && look.readable => Err(Failure::refused(format!(
            "database \"{database}\" has a schema \"edu\" that edu did not make"
        ))
        .detail("edu keeps its journal and its audit trail in a schema of that name.")
        .hint("Rename that schema: ALTER SCHEMA edu RENAME TO …")),
        None if look.store => Err(Failure::refused(
            "this role may not read edu's own schema \"edu\"",
        )
        .detail("It belongs to the role that runs the migrations.")
        .hint("Connect as a member of the owner role.")),
        _ => Ok(()),
    }
}

/// Whether the schema is still to be made.
pub fn is_missing(look: &Look) -> bool {
    look.meta.as_ref().is_none_or(|meta| meta.layout < LAYOUT)
}

/// Makes the schema as the owner, in one transaction, on the lock's connection.
///
/// # Errors
/// Exit 8 without the privilege; nothing was changed.
pub async fn make(lock: &Lock, owner: Option<&str>, project: &str) -> Result<()> {
    let made = begin(lock, owner, project).await;
    end(lock, made.is_ok()).await?;
    made
}

/// Ends what [`begin`] began: for good, or as if it had not been.
pub(super) async fn end(lock: &Lock, commit: bool) -> Result<()> {
    let mut message = Message::default();
    message.add(if commit { "COMMIT" } else { "ROLLBACK" });
    lock.ask(message).await.map(drop)
}

/// The first half of [`make`]: the schema is there, and not committed yet. [`end`] must follow.
pub(super) async fn begin(lock: &Lock, owner: Option<&str>, project: &str) -> Result<()> {
    let mut message = Message::default();
    message.add("BEGIN");
    if let Some(owner) = owner {
        message.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    message.add(SQL);
    message.add(&format!(
        "INSERT INTO edu.meta (layout, project) VALUES ({LAYOUT}, {})
         ON CONFLICT (one) DO UPDATE SET layout = EXCLUDED.layout",
        quote_literal(project)?
    ));
    match message.send(&mut *lock.connection().await).await {
        Ok(_) => Ok(()),
        Err(stop) if lock::ends_session(&stop.error) => Err(lock::lost()),
        Err(stop) => {
            let failure = failure("make edu's own schema \"edu\"", &stop.error);
            Err(match (failure.exit, owner) {
                (Exit::Refused, Some(owner)) => failure.hint(format!(
                    "As a superuser: GRANT CREATE ON DATABASE <database> TO {}",
                    quote_ident(owner)
                )),
                (Exit::Refused, None) => failure
                    .hint("As a superuser: GRANT CREATE ON DATABASE <database> TO <this role>"),
                _ => failure,
            })
        }
    }
}
