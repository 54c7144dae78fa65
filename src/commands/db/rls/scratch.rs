//! A database of its own for attempts, built from the migrations and dropped again.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::migrate::{self, Context, Plan, Provenance, Stage};
use crate::pg::{Server, Work, bootstrap, graph, index};
use crate::progress::silent;
use crate::project::Project;

/// How long to wait for a lock that nobody else should hold.
const PATIENCE: Duration = Duration::from_secs(30);

/// A scratch database. Call [`Scratch::end`]; one that was left behind has "edu_scratch_" in its name.
pub(super) struct Scratch {
    /// How to reach it.
    pub(super) server: Server,
}

impl Scratch {
    /// Builds it beside the database that `server` names: extensions, migrations, graph and indexes.
    ///
    /// # Errors
    /// Exit 8 without the right to create databases and extensions; those of the migrations. What was
    /// made is dropped again.
    pub(super) async fn build(server: &Server, project: &Project) -> Result<Self> {
        let name = format!("edu_scratch_{}", uuid::Uuid::new_v4().simple());
        let scratch = Self {
            server: server.with_database(&name),
        };
        match scratch.fill(project).await {
            Ok(()) => Ok(scratch),
            Err(failure) => {
                scratch.end().await;
                Err(failure
                    .detail("Attempts are made on a scratch database built from the migrations.")
                    .hint("Give the URL of a superuser on any server with --scratch-url, or leave the attempts out: --engine static,proof"))
            }
        }
    }

    async fn fill(&self, project: &Project) -> Result<()> {
        let (manifest, migrations) = (&project.manifest, project.migrations()?);
        let context = Context::new(&manifest.name, "edu db rls", Provenance::default);
        let server = &self.server;
        bootstrap::create_and_run(server, manifest, &migrations, &context, PATIENCE, &silent)
            .await?;
        let owner = manifest.roles.owner.as_deref();
        let mut work = Work::begin(&self.server, "edu db rls", PATIENCE, &silent).await?;
        let plan = Plan::new(manifest, &migrations, Stage::Ordinary, &context);
        migrate::run(&mut work.connection, &work.lock, &plan, &silent).await?;
        if let Some(ontology) = project.ontology()? {
            let options = graph::Options::default();
            graph::apply(&mut work.connection, manifest, &ontology, options, &silent).await?;
        }
        let site = index::Site {
            server: &self.server,
            owner,
            dims: manifest.vectors.as_ref().map(|vectors| vectors.dimensions),
            local: None,
            options: index::Options::default(),
            cancel: &context.cancel,
        };
        let wanted = project.vectors()?.indexes;
        index::ensure(&mut work.connection, &site, &wanted, &silent).await?;
        work.end().await;
        Ok(())
    }

    /// Drops it. A failure leaves it behind, under its telling name.
    pub(super) async fn end(self) {
        let Ok(mut connection) = self
            .server
            .with_database("postgres")
            .connect("edu db rls")
            .await
        else {
            return;
        };
        let sql = format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            quote_ident(self.server.database())
        );
        let _ = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
    }
}
