//! Where vector indexes are built, from what the command line, the project and this machine say.

use std::time::Instant;

use sqlx::postgres::PgConnection;

use super::Invocation;
use crate::failure::Result;
use crate::pg::index::{self, Local, Options, Site};
use crate::pg::{Cancel, Server};
use crate::server::machine;
use crate::spec::manifest::Manifest;
use crate::spec::vectors::VectorIndex;

impl Invocation {
    /// The site of `server` for this project. This machine counts when the server seems to be on it.
    pub fn site<'a>(
        &self,
        server: &'a Server,
        manifest: &'a Manifest,
        options: Options,
        cancel: &'a Cancel,
    ) -> Site<'a> {
        let local = server.is_local().then(|| Local {
            machine: machine::read(),
            disk_free: machine::disk_free,
        });
        Site {
            server,
            owner: manifest.roles.owner.as_deref(),
            dims: manifest.vectors.as_ref().map(|vectors| vectors.dimensions),
            local,
            options,
            cancel,
        }
    }

    /// Builds those vector indexes anew that came before most of their rows, and says so. The database's
    /// lock is held by the caller.
    ///
    /// # Errors
    /// See [`index::after_load`].
    pub async fn index_after_load(
        &self,
        connection: &mut PgConnection,
        site: &Site<'_>,
        indexes: &[VectorIndex],
    ) -> Result<()> {
        let begun = Instant::now();
        let report = |progress| self.ui.hear(progress);
        let built = index::after_load(connection, site, indexes, &report).await?;
        for one in &built {
            let told = format!("{} built anew over the rows that were loaded", one.name);
            self.ui.step("index", &told, begun.elapsed());
        }
        Ok(())
    }
}
