//! A connection that may write, together with the lock that makes it the only one of edu's.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::Server;
use super::lock::{Lock, Purpose};
use super::pooler;
use super::session::{self, Identity};
use crate::failure::Result;
use crate::progress::Report;

/// What a command that changes a database holds.
pub struct Work {
    /// The connection to work on.
    pub connection: PgConnection,
    /// What the server says of itself.
    pub identity: Identity,
    /// The database's lock.
    pub lock: Lock,
}

impl Work {
    /// Connects as `application`, checks that the server takes changes, and takes the lock.
    ///
    /// # Errors
    /// Exit 7 or 8 before anything was done (8 behind a pooler that shares sessions, too), exit 6 when another run holds the lock for too long.
    pub async fn begin(
        server: &Server,
        application: &str,
        lock_timeout: Duration,
        report: Report<'_>,
    ) -> Result<Self> {
        Self::enter(server, application, Purpose::Change, lock_timeout, report).await
    }

    /// Like [`Self::begin`], for runs that build vector indexes: they wait for whatever changes the
    /// database, and not for each other.
    ///
    /// # Errors
    /// Those of [`Self::begin`].
    pub async fn begin_building(
        server: &Server,
        application: &str,
        lock_timeout: Duration,
        report: Report<'_>,
    ) -> Result<Self> {
        Self::enter(server, application, Purpose::Build, lock_timeout, report).await
    }

    async fn enter(
        server: &Server,
        application: &str,
        purpose: Purpose,
        lock_timeout: Duration,
        report: Report<'_>,
    ) -> Result<Self> {
        // Both connections at once: whichever fails first ends the other.
        let ((mut connection, identity), lock) = tokio::try_join!(
            session::open_for_writing(server, application),
            Lock::take(server, purpose, lock_timeout, report),
        )?;
        pooler::refuse_shared_sessions(&mut connection, &lock).await?;
        Ok(Self {
            connection,
            identity,
            lock,
        })
    }

    /// Gives the lock back.
    pub async fn end(self) {
        self.lock.release().await;
    }
}
