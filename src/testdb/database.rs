//! The library's test database: one value per test.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::own;
use super::site::{Seeds, Site, seconds};
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::pg::connect::Secret;
use crate::pg::testdb::Held;
use crate::pg::testdb::admin::Path;
use crate::pg::{Cancel, Server};
use crate::progress::silent;
use crate::project::{Home, Origin, Project};
use crate::server::cluster::SUPERUSER;
use crate::server::{Cluster, Ephemeral, Runtime};

/// How often the connection that protects the database is looked at.
const RENEWAL: Duration = Duration::from_secs(60);

/// Which server a test database is made on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// `EDU_DATABASE_URL`, `DATABASE_URL` or `PG*` where they name one, else the project's embedded
    /// server, which is installed and started as needed.
    #[default]
    Found,
    /// The server of this URL. Its database is of no account.
    Url(String),
    /// A server of its own, for tests that change roles or settings: a copy of a stopped one, on tmpfs
    /// where there is one. It ends with the value. Needs the program `edu`.
    Own {
        /// The program; the default is the first `edu` on `PATH`.
        edu: Option<PathBuf>,
    },
}

/// What a test database is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The project's folder. Default: the nearest `edu.toml` upwards from the current folder, which
    /// for Cargo's tests is that of the package.
    pub project: Option<PathBuf>,
    /// The server.
    pub place: Place,
    /// The embedded server's major. Default: `edu.toml`'s.
    pub major: Option<u16>,
    /// The seed rows.
    pub seeds: Seeds,
    /// How long the database is kept when its test panics. Zero drops it.
    pub keep: Duration,
    /// Hears where a kept database is. Default: nobody does; `|text| eprintln!("{text}")` shows it with
    /// the failed test.
    pub tell: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            project: None,
            place: Place::Found,
            major: None,
            seeds: Seeds::Default,
            keep: Duration::from_secs(3600),
            tell: |_| {},
        }
    }
}

/// A migrated, seeded and verified database of one's own.
///
/// Dropping the value drops the database, unless the thread panics: then it is kept for
/// [`Options::keep`] and named through [`Options::tell`]. Should the process be killed, the database is
/// left over at once, and the next one that asks drops it.
///
/// Making and dropping one blocks for some milliseconds, in an async test too.
#[derive(Debug)]
pub struct Database {
    server: Server,
    keep: Duration,
    tell: fn(&str),
    life: Option<Life>,
}

/// What ends with a database.
#[derive(Debug)]
enum Life {
    /// A thread that holds the connection which protects it.
    Held(Keeper),
    /// A server of its own.
    Own(Ephemeral),
}

#[derive(Debug)]
struct Keeper {
    end: oneshot::Sender<End>,
    thread: JoinHandle<Result<()>>,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Drop,
    Keep(i64),
}

impl Database {
    /// Makes a database. The first one of a state of the project's files builds the template, however
    /// many threads and processes ask at once.
    ///
    /// # Errors
    /// Those of the project's files, with the place; exit 3 when they do not give what the spec says;
    /// exit 7 and 8 for the server. There is then no database.
    pub fn create(options: &Options) -> Result<Self> {
        let environment = Environment::read();
        let project = project(options)?;
        if let Place::Own { edu } = &options.place {
            let edu = match edu {
                Some(edu) => edu.clone(),
                None => environment.find_program("edu").ok_or_else(no_program)?,
            };
            let major = options.major.unwrap_or(project.manifest.server.major);
            let (seeds, keep, tell) = (options.seeds.clone(), options.keep, options.tell);
            // A thread of its own: the caller's may drive a runtime already.
            let own = std::thread::spawn(move || {
                own::start(&environment, project, seeds, major, &edu, &silent)
            });
            let (ephemeral, server) = own
                .join()
                .map_err(|_| Failure::bug("a thread panicked"))??;
            return Ok(Self {
                server,
                keep,
                tell,
                life: Some(Life::Own(ephemeral)),
            });
        }
        let (server, path) = server(options, &environment, &project)?;
        let seeds = options.seeds.clone();
        let command = std::env::args().next().unwrap_or_default();
        let site = Site::new(&environment, project, server, path, seeds, &command)?;
        let (ready, made) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || hold(&site, &ready, ended));
        let server = match made.recv() {
            Ok(server) => server,
            // It told nothing, so it ended with the reason.
            Err(_) => {
                let outcome = thread
                    .join()
                    .map_err(|_| Failure::bug("a thread panicked"))?;
                return Err(outcome
                    .err()
                    .unwrap_or_else(|| Failure::bug("no database was made")));
            }
        };
        Ok(Self {
            server,
            keep: options.keep,
            tell: options.tell,
            life: Some(Life::Held(Keeper { end, thread })),
        })
    }

    /// The URL, with the password if the server's URL had one.
    pub fn url(&self) -> String {
        self.server.client_url(Secret::Shown)
    }

    /// The URL for another login: the application's, which the policies bind.
    pub fn url_as(&self, login: &str) -> String {
        self.server.with_user(login).client_url(Secret::Shown)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        self.server.database()
    }

    /// Drops the database, and says whether that went well.
    ///
    /// # Errors
    /// When the server refuses; `edu testdb gc` tries again.
    pub fn drop_it(mut self) -> Result<()> {
        self.end(End::Drop)
    }

    /// Keeps the database for a time, without this process. Shape: its URL. A server of its own ends
    /// nevertheless.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn keep(mut self, time: Duration) -> Result<String> {
        self.end(End::Keep(seconds(time)))?;
        Ok(self.url())
    }

    fn end(&mut self, end: End) -> Result<()> {
        match self.life.take() {
            Some(Life::Held(keeper)) => {
                // A keeper that is gone already says why below.
                let _ = keeper.end.send(end);
                keeper
                    .thread
                    .join()
                    .map_err(|_| Failure::bug("a thread panicked"))?
            }
            Some(Life::Own(server)) => {
                server.end(Duration::from_secs(60));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let keeps = std::thread::panicking() && !self.keep.is_zero();
        if !keeps || !matches!(self.life, Some(Life::Held(_))) {
            let _ = self.end(End::Drop);
            return;
        }
        let (tell, url) = (self.tell, self.server.client_url(Secret::Hidden));
        if self.end(End::Keep(seconds(self.keep))).is_ok() {
            tell(&format!("kept for a look: psql '{url}'"));
        }
    }
}

/// Makes the database on this thread, and holds it until its value ends.
fn hold(
    site: &Site,
    ready: &mpsc::Sender<Server>,
    mut ended: oneshot::Receiver<End>,
) -> Result<()> {
    super::site::block_on(async {
        let mut held = make(site).await?;
        if ready.send(held.server.clone()).is_err() {
            return held.drop_it().await;
        }
        let mut clock = tokio::time::interval(RENEWAL);
        clock.tick().await;
        let end = loop {
            tokio::select! {
                end = &mut ended => break end.unwrap_or(End::Drop),
                // What it says is of no use here: the test itself will hear from the server.
                _ = clock.tick() => drop(held.renew().await),
            }
        };
        match end {
            End::Drop => held.drop_it().await,
            End::Keep(seconds) => held.keep(seconds).await.map(drop),
        }
    })
}

async fn make(site: &Site) -> Result<Held> {
    let mut admin = site.open().await?;
    let template = site
        .template(&mut admin, &Cancel::default(), &silent)
        .await?;
    let held = site.hold(admin, &template).await?;
    site.sweep_in_passing(template.name, Vec::new()).await;
    Ok(held)
}

fn project(options: &Options) -> Result<Project> {
    let here =
        std::env::current_dir().map_err(|error| Failure::io("find the current folder", &error))?;
    match Home::find(options.project.as_deref(), &here)? {
        Some(home) => Project::load(home),
        None => Err(Failure::usage(
            "this is not a project: no edu.toml here or in any folder above",
        )
        .detail(format!("Looked upwards from \"{}\".", here.display()))
        .hint("Set Options::project to the project's folder.")),
    }
}

fn server(
    options: &Options,
    environment: &Environment,
    project: &Project,
) -> Result<(Server, Path)> {
    if let Place::Url(url) = &options.place {
        return Ok((Server::from_url(url, "Options::place")?, Path::Unknown));
    }
    if options.major.is_none() {
        if let Some((name, url)) = &environment.database_url {
            return Ok((Server::from_url(url, *name)?, Path::Unknown));
        }
        if environment.names_a_server {
            return Ok((Server::from_environment(), Path::Unknown));
        }
    }
    let Origin::Folder(root) = &project.origin else {
        return Err(Failure::usage(
            "the embedded server belongs to a project's folder",
        ));
    };
    let manifest = &project.manifest;
    let major = options.major.unwrap_or(manifest.server.major);
    let cluster = Cluster::locate(environment, root, &manifest.name, major, &silent)?;
    let runtime = Runtime::ensure(environment, major, &manifest.needs(), &silent)?;
    cluster.start(&runtime, &silent)?;
    let url = cluster.url(&manifest.database, SUPERUSER)?;
    Ok((Server::from_url(&url, "the embedded server")?, Path::Direct))
}

fn no_program() -> Failure {
    Failure::usage("the program \"edu\" is not on PATH")
        .detail("A server of its own is kept by a process of that program, which ends it.")
        .hint("Install it (cargo install --path .), or name it in Place::Own.")
}
