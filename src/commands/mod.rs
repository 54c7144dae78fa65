//! One path = one command. Each is read → decide → act → tell; none imports another.
//!
//! What they share stands here: the invocation, the target, and running async work until it ends or
//! is cancelled.

pub mod db;
pub mod explain;
pub mod image;
mod key;
mod provenance;
pub mod server;
mod site;
pub mod testdb;
pub mod up;

use std::future::Future;
use std::path::PathBuf;

use crate::cli::Global;
use crate::config::Environment;
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::pg::cancel::Cancel;
use crate::project::{Home, Origin, Project};
use crate::server::cluster::SUPERUSER;
use crate::server::{Cluster, Runtime, Start};
use crate::ui::Ui;

/// What every command gets: the shared flags, the environment and the printer.
pub struct Invocation {
    /// The flags that every command takes.
    pub global: Global,
    /// The environment, read once.
    pub environment: Environment,
    /// The printer.
    pub ui: Ui,
}

/// A project's embedded server, running.
pub struct Embedded {
    /// How to reach it.
    pub server: Server,
    /// What starting it did.
    pub start: Start,
    /// Its URL, without a secret.
    pub url: String,
}

/// The database a command works on.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Target {
    /// Connection URL [default: EDU_DATABASE_URL, DATABASE_URL, PG* variables, else the embedded server]
    #[arg(long, value_name = "URL", help_heading = "Database")]
    pub url: Option<String>,
    /// The embedded server's major [default: edu.toml's]
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "url",
        help_heading = "Database"
    )]
    pub major: Option<u16>,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For machines; versioned.
    Json,
}

impl Invocation {
    /// The project in the folder that was named or is found upwards.
    ///
    /// # Errors
    /// Exit 2 when there is none, or its files cannot be read.
    pub fn project(&self) -> Result<Project> {
        Project::load(self.home()?)
    }

    /// The project's folder and `edu.toml` alone.
    ///
    /// # Errors
    /// Exit 2 when there is none, or its `edu.toml` is wrong.
    pub fn home(&self) -> Result<Home> {
        let embedded = || {
            Project::embedded()
                .map(|p| p.manifest.name)
                .unwrap_or_default()
        };
        let here = self.here()?;
        self.find_home()?.ok_or_else(|| {
            Failure::usage("this is not a project: no edu.toml here or in any folder above")
                .detail(format!("Looked upwards from \"{}\".", here.display()))
                .hint(format!(
                    "Go to the project's folder, or give --project DIR; with --url the project \
                     that is built into this binary ({}) is used.",
                    embedded()
                ))
        })
    }

    /// Like [`Self::home`], or nothing where there is none.
    ///
    /// # Errors
    /// Exit 2 when the named folder is no project, or the `edu.toml` found is wrong.
    pub fn find_home(&self) -> Result<Option<Home>> {
        Home::find(self.global.project.as_deref(), &self.here()?)
    }

    /// Like [`Self::project`]; but where a URL says which database is meant, the project that is
    /// built into the binary serves when no folder does.
    ///
    /// # Errors
    /// Those of [`Self::project`].
    pub fn project_for(&self, target: &Target) -> Result<Project> {
        match self.find_home()? {
            Some(home) => Project::load(home),
            None if self.named_server(target)?.is_some() => {
                let project = Project::embedded()?;
                self.ui.status(format!(
                    "project: {} ({})",
                    project.manifest.name,
                    project.place()
                ));
                Ok(project)
            }
            None => self.project(),
        }
    }

    fn here(&self) -> Result<PathBuf> {
        std::env::current_dir().map_err(|error| Failure::io("find the current folder", &error))
    }

    /// The server that a flag or the environment names, if one does.
    ///
    /// # Errors
    /// Exit 2 when what names it is no URL.
    pub fn named_server(&self, target: &Target) -> Result<Option<Server>> {
        if let Some(url) = &target.url {
            return Server::from_url(url, "--url").map(Some);
        }
        if target.major.is_some() {
            return Ok(None);
        }
        if let Some((name, url)) = &self.environment.database_url {
            return Server::from_url(url, *name).map(Some);
        }
        Ok(self
            .environment
            .names_a_server
            .then(Server::from_environment))
    }

    /// The server a command works on: the named one, else the project's embedded server, which is
    /// started if it does not run. Says which.
    ///
    /// # Errors
    /// Exit 2 for what is no URL; those of installing and starting the embedded server.
    pub fn server(&self, target: &Target, project: &Project) -> Result<Server> {
        if let Some(server) = self.named_server(target)? {
            self.ui.status(format!(
                "database: {} (from {})",
                server.place(),
                server.source
            ));
            return Ok(server);
        }
        let Embedded { server, start, .. } = self.embedded(project, target.major)?;
        let started = if start == Start::Already {
            ""
        } else {
            ", started now"
        };
        self.ui.status(format!(
            "database: {} on the embedded server{started}",
            server.database()
        ));
        Ok(server)
    }

    /// The project's embedded server, running.
    ///
    /// # Errors
    /// Exit 2 without a project folder; those of installing and starting it.
    pub fn embedded(&self, project: &Project, major: Option<u16>) -> Result<Embedded> {
        let Origin::Folder(root) = &project.origin else {
            return Err(
                Failure::usage("the embedded server belongs to a project's folder")
                    .hint("Go to the project's folder, or give --url."),
            );
        };
        let major = major.unwrap_or(project.manifest.server.major);
        let report = |progress| self.ui.hear(progress);
        let name = &project.manifest.name;
        let cluster = Cluster::locate(&self.environment, root, name, major, &report)?;
        let runtime =
            Runtime::ensure(&self.environment, major, &project.manifest.needs(), &report)?;
        let start = cluster.start(&runtime, &report)?;
        let url = cluster.url(&project.manifest.database, SUPERUSER)?;
        let server = Server::from_url(&url, "the embedded server")?;
        Ok(Embedded { server, start, url })
    }

    /// Whether the command works on the embedded server.
    pub fn is_embedded(&self, target: &Target) -> Result<bool> {
        Ok(self.named_server(target)?.is_none())
    }

    /// Runs `work` to its end, or until Ctrl-C or SIGTERM. Then its connections are closed, and the
    /// server rolls back what was open.
    ///
    /// # Errors
    /// The failure of `work`; exit 130 or 143 when cancelled.
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("start the runtime", &error))?;
        runtime.block_on(async {
            let mut terminate =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                    .map_err(|error| Failure::io("listen for signals", &error))?;
            tokio::select! {
                outcome = work => outcome,
                _ = tokio::signal::ctrl_c() => Err(cancelled(Exit::Cancelled)),
                _ = terminate.recv() => Err(cancelled(Exit::Terminated)),
            }
        })
    }
}

impl Invocation {
    /// Runs `work`, which stops cleanly by itself when `cancel` is requested. The first Ctrl-C or
    /// SIGTERM requests it; the second leaves at once.
    ///
    /// # Errors
    /// The failure of `work`; exit 130 or 143 when it was left.
    pub fn block_on_until<T>(
        &self,
        cancel: &Cancel,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("start the runtime", &error))?;
        runtime.block_on(async {
            let mut terminate =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                    .map_err(|error| Failure::io("listen for signals", &error))?;
            let mut work = std::pin::pin!(work);
            loop {
                let exit = tokio::select! {
                    outcome = &mut work => return outcome,
                    _ = tokio::signal::ctrl_c() => Exit::Cancelled,
                    _ = terminate.recv() => Exit::Terminated,
                };
                if cancel.requested().is_some() {
                    return Err(outright(exit, cancel));
                }
                cancel.request(exit);
                self.ui.status(
                    "stopping: the running statement is broken off; once more leaves at once",
                );
            }
        })
    }
}

fn outright(exit: Exit, cancel: &Cancel) -> Failure {
    let failure = Failure::new(exit, "left at once");
    match cancel.running() {
        Some(what) => failure
            .detail(format!("Still running on the server: {what}."))
            .detail(
                "The server notices within a second that edu is gone and rolls back what is open.",
            )
            .hint("See what is applied: edu db status"),
        None => failure.detail("Nothing runs on the server."),
    }
}

fn cancelled(exit: Exit) -> Failure {
    Failure::new(exit, "cancelled")
        .detail("The server breaks the running statement off and rolls the open transaction back; what was committed stays.")
        .hint("Run the same command again to go on.")
}
