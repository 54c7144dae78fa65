//! Running a bootstrap migration once more.

use sqlx::postgres::PgConnection;

use crate::failure::Result;
use crate::pg::error::statement_failure;
use crate::pg::message::send;
use crate::pg::session;
use crate::spec::migration::Migration;

/// Runs an applied migration again, without touching the history: for bootstrap migrations, which
/// are written so that running them again changes nothing that is there.
///
/// # Errors
/// The failure of the statement that failed; everything was rolled back.
pub async fn repeat(connection: &mut PgConnection, migration: &Migration) -> Result<()> {
    session::reset(connection).await?;
    let whole = !migration.up.header.no_transaction;
    if whole {
        session::run(connection, "BEGIN", "begin a transaction").await?;
    }
    for statement in &migration.up.script.statements {
        let sent = send(connection, statement.text.clone(), false).await;
        if let Err(stop) = sent {
            let (text, start) = (&statement.text, statement.body.start);
            if whole {
                let _ = send(connection, "ROLLBACK".to_owned(), false).await;
            }
            return Err(statement_failure(
                &migration.up.document,
                start,
                text,
                &stop.error,
            ));
        }
    }
    if whole {
        session::run(connection, "COMMIT", "commit the migration").await?;
    }
    Ok(())
}
