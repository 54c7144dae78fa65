//! edu's own schema `edu`: making it, and refusing one that is not ours.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::look::Look;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::PRIVATE;
use crate::pg::error::failure;
use crate::pg::lock::{self, Lock};
use crate::pg::message::{self, Message};

const SQL: &str = include_str!("store.sql");

/// The layout that this edu makes and understands.
const LAYOUT: i32 = 3;

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

/// Makes the schema as the owner, in one transaction in which our lock is held. It is the session that works
/// next: what it reads of the catalogs for this it need not read again.
///
/// # Errors
/// Exit 8 without the privilege, exit 6 when the lock is lost; nothing was changed.
pub async fn make(
    connection: &mut PgConnection,
    lock: &Lock,
    owner: Option<&str>,
    project: &str,
) -> Result<()> {
    let made = tables(connection, lock, owner, project).await;
    if made.is_err() {
        let _ = message::ask(connection, "ROLLBACK".to_owned()).await;
    }
    made
}

async fn tables(
    connection: &mut PgConnection,
    lock: &Lock,
    owner: Option<&str>,
    project: &str,
) -> Result<()> {
    let mut text = Message::default();
    text.add("BEGIN");
    if let Some(owner) = owner {
        text.add(&format!("SET LOCAL ROLE {}", quote_ident(owner)));
    }
    text.add(SQL);
    text.add(&format!(
        "INSERT INTO edu.meta (layout, project) VALUES ({LAYOUT}, {})
         ON CONFLICT (one) DO UPDATE SET layout = EXCLUDED.layout",
        quote_literal(project)?
    ));
    text.add(&format!(
        "SELECT {} AS held, EXISTS (SELECT FROM pg_catalog.pg_default_acl) AS shared",
        lock.held_sql()
    ));
    let refused = |stop: message::Stop| refused(failure(DOING, &stop.error), owner);
    let rows = text.send(&mut *connection).await.map_err(refused)?;
    let says = |what: &str| rows.iter().any(|row| row.get(what));
    if !says("held") {
        return Err(lock::lost());
    }
    let end = match says("shared") {
        true => format!("{PRIVATE};\nCOMMIT"),
        false => "COMMIT".to_owned(),
    };
    let ended = message::ask(connection, end).await;
    ended.map(drop).map_err(refused)
}

const DOING: &str = "make edu's own schema \"edu\"";

fn refused(failure: Failure, owner: Option<&str>) -> Failure {
    match (failure.exit, owner) {
        (Exit::Refused, Some(owner)) => failure.hint(format!(
            "As a superuser: GRANT CREATE ON DATABASE <database> TO {}",
            quote_ident(owner)
        )),
        (Exit::Refused, None) => {
            failure.hint("As a superuser: GRANT CREATE ON DATABASE <database> TO <this role>")
        }
        _ => failure,
    }
}
