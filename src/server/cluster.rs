//! A project's own cluster: `.edu/server/<major>` and the files beside it.
//!
//! Beside the data directory lie `password-<major>` and `pgpass-<major>` (0600), the log of the last
//! start, and a lock that start, stop and reset hold. The port is kept in `edu.conf`.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::account::Account;
use super::launch;
use super::postmaster::Postmaster;
use super::{place, url};
use crate::config::Environment;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};

/// How long a stopping server may take to write its last checkpoint.
const STOP_MAX: Duration = Duration::from_secs(120);

/// The superuser of every cluster.
pub const SUPERUSER: &str = "postgres";

/// A project's cluster of one major, there or not.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The PostgreSQL major.
    pub major: u16,
    /// The data directory.
    pub data: PathBuf,
    /// As whom the server runs.
    pub account: Account,
    /// Where its socket is to be.
    pub(super) sockets: PathBuf,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// No data directory.
    Absent,
    /// A data directory, and no server.
    Stopped,
    /// A server, perhaps still starting.
    Running(Postmaster),
}

impl Cluster {
    /// The cluster of the project `name` at `root`. Creates nothing.
    ///
    /// # Errors
    /// Exit 2 when an existing one belongs to another user or is out of reach.
    pub fn locate(
        environment: &Environment,
        root: &Path,
        name: &str,
        major: u16,
        report: Report,
    ) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|e| Failure::io(format!("find the project \"{}\"", root.display()), &e))?;
        let account = Account::owning(&root.join(".edu/server").join(major.to_string()))?;
        let data = place::data(&root, name, major, &account, report)?;
        let account = Account::owning(&data)?;
        let sockets = place::sockets(environment, &data, &account);
        Ok(Self {
            major,
            data,
            account,
            sockets,
        })
    }

    /// What is there now.
    pub fn status(&self) -> Status {
        match Postmaster::of(&self.data) {
            Some(found) => Status::Running(found),
            None if self.data.join("PG_VERSION").exists() => Status::Stopped,
            None => Status::Absent,
        }
    }

    /// A file beside the data directory: `password`, `pgpass`, `start.log`, …
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.data.with_file_name(format!("{name}-{}", self.major))
    }

    /// The 0600 file with the superuser's password.
    pub fn password_file(&self) -> PathBuf {
        self.beside("password")
    }

    /// The 0600 file for `PGPASSFILE`.
    pub fn pgpass_file(&self) -> PathBuf {
        self.beside("pgpass")
    }

    /// The log to read: the server's own, else that of the last start.
    pub fn log(&self) -> Option<PathBuf> {
        launch::newest_log(&self.data)
            .or_else(|| Some(self.beside("start-log")).filter(|path| path.exists()))
    }

    pub(super) fn lock(&self, report: Report) -> Result<File> {
        let folder = self.data.parent().unwrap_or(&self.data);
        place::open_folder(folder)?;
        if let Some(edu) = folder
            .parent()
            .filter(|path| path.file_name().is_some_and(|name| name == ".edu"))
        {
            let ignore = edu.join(".gitignore");
            if !ignore.exists() {
                fs::write(&ignore, "*\n")
                    .map_err(|e| Failure::io(format!("write \"{}\"", ignore.display()), &e))?;
            }
        }
        let path = self.beside("lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|e| Failure::io(format!("write \"{}\"", path.display()), &e))?;
        if file.try_lock().is_err() {
            report(Progress::stage(
                "waiting for another edu that starts or stops this server",
            ));
            file.lock()
                .map_err(|e| Failure::io(format!("lock \"{}\"", path.display()), &e))?;
        }
        Ok(file)
    }

    /// The superuser's password for TCP, if this user may read it.
    pub fn password(&self) -> Option<String> {
        fs::read_to_string(self.password_file())
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// Stops the server cleanly: sessions end, a checkpoint is written. Shape: whether one ran.
    ///
    /// # Errors
    /// Exit 7 when it has not ended in time; it is then still stopping.
    pub fn stop(&self, report: Report) -> Result<bool> {
        let Some(found) = Postmaster::of(&self.data) else {
            return Ok(false);
        };
        let _lock = self.lock(report)?;
        report(Progress::stage(format!(
            "stopping PostgreSQL {}",
            self.major
        )));
        found.signal(Signal::INT)?;
        if !found.wait_gone(&self.data, STOP_MAX) {
            return Err(Failure::new(
                Exit::Unreachable,
                format!(
                    "the server (process {}) did not stop within {} s",
                    found.pid,
                    STOP_MAX.as_secs()
                ),
            )
            .hint("It may be writing a large checkpoint: run the command again."));
        }
        report(Progress::Done);
        Ok(true)
    }

    /// Ends the server without ceremony and deletes the cluster with its password.
    ///
    /// # Errors
    /// Exit 2 naming what could not be deleted.
    pub fn reset(&self, report: Report) -> Result<()> {
        let _lock = self.lock(report)?;
        if let Some(found) = Postmaster::of(&self.data) {
            report(Progress::stage(format!(
                "stopping PostgreSQL {}",
                self.major
            )));
            found.signal(Signal::QUIT)?;
            if !found.wait_gone(&self.data, Duration::from_secs(10)) {
                found.signal(Signal::KILL)?;
                found.wait_gone(&self.data, Duration::from_secs(10));
            }
        }
        report(Progress::stage("deleting the cluster"));
        match fs::remove_dir_all(&self.data) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::io(
                    format!("delete \"{}\"", self.data.display()),
                    &e,
                ));
            }
            _ => {}
        }
        for file in [
            self.password_file(),
            self.pgpass_file(),
            self.beside("start-log"),
        ] {
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_dir_all(&self.sockets);
        report(Progress::Done);
        Ok(())
    }

    /// The running server.
    ///
    /// # Errors
    /// Exit 7 when none accepts connections.
    pub fn running(&self) -> Result<Postmaster> {
        match self.status() {
            Status::Running(found) if found.ready => Ok(found),
            _ => Err(Failure::new(
                Exit::Unreachable,
                format!(
                    "the embedded server (PostgreSQL {}) is not running",
                    self.major
                ),
            )
            .hint("Start it: edu server start")),
        }
    }

    /// The URL over the socket. It holds no secret; the socket's folder is private.
    ///
    /// # Errors
    /// As [`Cluster::running`].
    pub fn url(&self, database: &str, user: &str) -> Result<String> {
        let found = self.running()?;
        Ok(url::socket(user, database, &found.sockets, found.port))
    }

    /// The URL over loopback TCP, with `password` only if given.
    ///
    /// # Errors
    /// As [`Cluster::running`].
    pub fn tcp_url(&self, database: &str, user: &str, password: Option<&str>) -> Result<String> {
        Ok(url::tcp(user, password, database, self.running()?.port))
    }
}
