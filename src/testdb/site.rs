//! Where test databases are made, and of what.

use std::time::Duration;

use super::{fill, host};
use crate::config::Environment;
use crate::expected::Sources;
use crate::failure::{Failure, Result};
use crate::pg::testdb::admin::Path;
use crate::pg::testdb::mark::{Lease, Owner};
use crate::pg::testdb::state::Process;
use crate::pg::testdb::sweep::{self, Scope, Swept};
use crate::pg::testdb::{Admin, Held, Template, clone, template};
use crate::pg::{Cancel, Server};
use crate::progress::Report;
use crate::project::Project;

/// How long a template that the files do not give any more may go unused.
pub const UNUSED_MAX: Duration = Duration::from_secs(24 * 3600);

/// Which seed rows a template holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seeds {
    /// Those of the profile "dev", if the project has it.
    #[default]
    Default,
    /// Those of a profile: a folder under `seeds/`.
    Profile(String),
    /// None.
    None,
}

/// A project, a server, and who asks.
pub struct Site {
    /// The project.
    pub project: Project,
    /// The server; its database is of no account.
    pub server: Server,
    /// What can stand between edu and the server.
    pub path: Path,
    pub(super) seeds: Seeds,
    pub(super) sources: Sources,
    pub(super) owner: Owner,
}

impl Site {
    /// Reads the project's files. `command` says for others what the databases are for.
    ///
    /// # Errors
    /// Exit 2 with the place in the file that is wrong.
    pub fn new(
        environment: &Environment,
        project: Project,
        server: Server,
        path: Path,
        seeds: Seeds,
        command: &str,
    ) -> Result<Self> {
        let sources = Sources::load(&project)?;
        Ok(Self {
            project,
            server,
            path,
            seeds,
            sources,
            owner: host::owner(environment, command),
        })
    }

    /// Connects to the server.
    ///
    /// # Errors
    /// See [`Admin::open`].
    pub async fn open(&self) -> Result<Admin> {
        Admin::open(&self.server, self.path).await
    }

    /// The name of the template that the files give on this server.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn template_name(&self, admin: &mut Admin) -> Result<String> {
        let hash = self.hash(admin).await?;
        let name = &self.project.manifest.name;
        Ok(crate::pg::testdb::template_name(name, &hash))
    }

    async fn hash(&self, admin: &mut Admin) -> Result<String> {
        let manifest = &self.project.manifest;
        let extensions: Vec<&str> = manifest.extensions.keys().map(String::as_str).collect();
        fill::hash(self, &admin.versions(&extensions).await?)
    }

    /// The template, which is built and verified if it is not there.
    ///
    /// # Errors
    /// Those of the project's files; exit 3 when they do not give what the spec says; exit 8 when
    /// building it needs a superuser. There is then no template.
    pub async fn template(
        &self,
        admin: &mut Admin,
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<Template> {
        let hash = self.hash(admin).await?;
        let fill = async |server: &Server| fill::fill(self, server, report).await;
        let name = &self.project.manifest.name;
        let template = template::ensure(admin, name, &hash, fill, cancel, report).await;
        template.map_err(|failure| {
            if admin.identity.superuser || !failure.error.ends_with("is not a superuser") {
                return failure;
            }
            failure
                .detail("A template that a superuser has built can be cloned by any role with CREATEDB.")
                .hint("Let a superuser build it once: edu testdb create --template-only --url URL")
        })
    }

    /// A clone that lives as long as `admin`'s connection.
    ///
    /// # Errors
    /// See [`Held::create`].
    pub async fn hold(&self, admin: Admin, template: &Template) -> Result<Held> {
        Held::create(admin, template, &self.owner, self.path).await
    }

    /// A clone that lives for a time.
    ///
    /// # Errors
    /// See [`clone::create`].
    pub async fn create(
        &self,
        admin: &mut Admin,
        template: &Template,
        life: Duration,
    ) -> Result<Server> {
        clone::create(admin, template, &self.owner, seconds(life)).await
    }

    /// What is looked at when leftovers are swept up.
    pub fn scope(&self, current: Option<String>, unused: Duration) -> Scope<'_> {
        const PROCESS: fn(&Lease) -> Process = host::process;
        Scope {
            project: &self.project.manifest.name,
            every_project: false,
            current,
            unused_seconds: seconds(unused),
            spared: Vec::new(),
            process: &PROCESS,
        }
    }

    /// Drops what is left over, but for `spared`, in passing: without waiting, and without complaint.
    pub async fn sweep_in_passing(&self, current: String, spared: Vec<String>) -> Vec<Swept> {
        let Ok(mut admin) = self.open().await else {
            return Vec::new();
        };
        let mut scope = self.scope(Some(current), UNUSED_MAX);
        scope.spared = spared;
        let swept = sweep::sweep(&mut admin, &scope, Duration::ZERO).await;
        admin.close().await;
        swept.unwrap_or_default()
    }
}

/// Runs work that speaks to a server, where no runtime is.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the runtime", &error))?
        .block_on(work)
}

/// A length of time as the leases count it.
pub fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Says how a template came to be, for `--verbose`.
pub fn told(template: &Template) -> String {
    format!(
        "template {}: {}; copied by {} ({})",
        template.name,
        if template.built { "built now" } else { "found" },
        template.strategy,
        template.measured
    )
}
