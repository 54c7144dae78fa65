//! A project's own cluster: `.edu/server/<major>` and the files beside it.
//!
//! Beside the data directory lie `password-<major>` and `pgpass-<major>` (0600), the log of the last
//! start, and a lock that start, stop and reset hold. The port is kept in `edu.conf`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::account::Account;
use super::launch::{self, Launch};
use super::postmaster::{self, Postmaster};
use super::runtime::Runtime;
use super::settings::{self, Durability, Settings};
use super::{place, url};
use crate::config::Environment;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};

/// How long a stopping server may take to write its last checkpoint.
const STOP_MAX: Duration = Duration::from_secs(120);

/// How long the orphans of a crashed server are waited for.
const ORPHANS_MAX: Duration = Duration::from_secs(15);

/// How many ports are tried when others take them between the choice and the start.
const PORT_RACES_MAX: u32 = 5;

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
    sockets: PathBuf,
}

/// What a start did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It was running already.
    Already,
    /// It runs now.
    Started,
    /// It runs now, and this cluster is new.
    Created,
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
    fn beside(&self, name: &str) -> PathBuf {
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

    /// Creates the cluster if there is none, starts it, and waits until it accepts connections.
    ///
    /// # Errors
    /// Exit 7 when the server gives up, with its own words; exit 2 for directories and permissions.
    /// A cluster that could not be created leaves nothing behind.
    pub fn start(&self, runtime: &Runtime, report: Report) -> Result<Start> {
        runtime.reachable_by(&self.account)?;
        let _lock = self.lock(report)?;
        if let Some(found) = Postmaster::of(&self.data) {
            return self.await_ready(found, report);
        }
        let created = self.status() == Status::Absent;
        if created {
            report(Progress::stage("creating the cluster"));
            self.create(runtime)?;
        }
        postmaster::remove_misleading(&self.data);
        place::private_folder(&self.sockets, &self.account)?;
        report(Progress::stage(format!(
            "starting PostgreSQL {}",
            self.major
        )));
        let port = self.launch(runtime, report)?;
        self.write_pgpass(port)?;
        report(Progress::Done);
        Ok(if created {
            Start::Created
        } else {
            Start::Started
        })
    }

    /// Another process is starting it: waits for that.
    fn await_ready(&self, mut found: Postmaster, report: Report) -> Result<Start> {
        let began = Instant::now();
        while !found.ready {
            report(Progress::Detail("it is starting already".to_owned()));
            std::thread::sleep(Duration::from_millis(20));
            match Postmaster::of(&self.data) {
                Some(now) if began.elapsed() < STOP_MAX => found = now,
                _ => {
                    return Err(Failure::new(
                        Exit::Unreachable,
                        "the server that was already starting did not get ready",
                    )
                    .hint("Look at its log: edu server logs"));
                }
            }
        }
        Ok(Start::Already)
    }

    fn lock(&self, report: Report) -> Result<File> {
        let folder = self.data.parent().unwrap_or(&self.data);
        place::open_folder(folder)?;
        if let Some(edu) = folder.parent().filter(|path| path.ends_with(".edu")) {
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

    /// Makes the cluster beside its place and moves it there, so that a killed attempt is no cluster.
    fn create(&self, runtime: &Runtime) -> Result<()> {
        let partial = self.beside(".partial");
        let _ = fs::remove_dir_all(&partial);
        let _ = fs::remove_dir(&self.data);
        place::open_folder(&partial)?;
        self.account.own(&partial)?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let secret = self.beside(".initial");
        write_private(&secret, &password, &self.account)?;
        let made = init(runtime, &self.account, &partial, &secret, Durability::Kept);
        let _ = fs::remove_file(&secret);
        if let Err(failure) = made {
            let _ = fs::remove_dir_all(&partial);
            return Err(failure);
        }
        write_private(&self.password_file(), &password, &Account::current())?;
        fs::rename(&partial, &self.data)
            .map_err(|e| Failure::io(format!("create \"{}\"", self.data.display()), &e))
    }

    /// Starts the server on its old port, else on another one. Shape: the port.
    fn launch(&self, runtime: &Runtime, report: Report) -> Result<u16> {
        let conf = self.data.join("edu.conf");
        let old = fs::read_to_string(&conf)
            .ok()
            .and_then(|text| settings::port_of(&text));
        let seed = u64::from_str_radix(&place::short_hash(&self.data, 12), 16).unwrap_or(0);
        let mut wanted = old.filter(|port| settings::is_free(*port));
        let began = Instant::now();
        let mut races = 0;
        loop {
            let port = wanted
                .take()
                .or_else(|| settings::choose_port(seed + u64::from(races)))
                .ok_or_else(|| {
                    Failure::new(Exit::Unreachable, "no free port was found for the server")
                        .hint("End some of the programs that listen on 127.0.0.1.")
                })?;
            if let Some(old) = old.filter(|old| *old != port) {
                report(Progress::Note(format!(
                    "another program has taken port {old}: the server moves to {port}"
                )));
            }
            self.configure(&conf, port)?;
            let postgres = runtime.server_command(&self.account, "postgres");
            match launch::launch(postgres, &self.data, &self.beside("start-log"), report)? {
                Launch::Ready(_) => return Ok(port),
                Launch::Died(text) if launch::port_was_taken(&text) && races < PORT_RACES_MAX => {
                    races += 1
                }
                Launch::Died(text) if launch::will_pass(&text) && began.elapsed() < ORPHANS_MAX => {
                    report(Progress::Detail(
                        "the processes of a crashed server are still ending".to_owned(),
                    ));
                    wanted = Some(port);
                    std::thread::sleep(Duration::from_millis(200));
                }
                Launch::Died(text) => return Err(launch::explain(&text, &self.data)),
            }
        }
    }

    fn configure(&self, conf: &Path, port: u16) -> Result<()> {
        let text = Settings {
            port,
            sockets: &self.sockets,
            listen: settings::loopback(),
            durability: Durability::Kept,
            more: &[],
        }
        .render();
        write_private(conf, &text, &self.account)
    }

    fn write_pgpass(&self, port: u16) -> Result<()> {
        let Some(password) = self.password() else {
            return Ok(());
        };
        let lines: String = ["127.0.0.1", "::1", "localhost"]
            .iter()
            .map(|host| {
                format!(
                    "{}:{port}:*:{SUPERUSER}:{password}\n",
                    host.replace(':', "\\:")
                )
            })
            .collect();
        write_private(&self.pgpass_file(), &lines, &Account::current())
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

/// Runs `initdb` into the empty directory `data` and includes `edu.conf` in its configuration.
pub(super) fn init(
    runtime: &Runtime,
    account: &Account,
    data: &Path,
    secret: &Path,
    durability: Durability,
) -> Result<()> {
    let mut command = runtime.server_command(account, "initdb");
    command
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(secret)
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ])
        .args(["--auth-local", "trust", "--auth-host", "scram-sha-256"])
        .args([
            "--text-search-config",
            "english",
            "--data-checksums",
            "--no-instructions",
        ]);
    if runtime.major >= 17 {
        command.args([
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ]);
    }
    if durability == Durability::Thrown {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(|e| {
        Failure::io(format!("run \"{}\"", command.get_program().display()), &e)
            .hint(super::WAYS_OUT)
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(
            Exit::Unreachable,
            format!("the cluster \"{}\" could not be created", data.display()),
        )
        .detail(text.trim().to_owned())
        .hint(if text.contains("could not look up effective user ID") {
            "This user has no entry in /etc/passwd: run edu as one that has."
        } else {
            "Free some space or permissions as the detail says, and run it again."
        }));
    }
    OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .and_then(|mut file| file.write_all(b"\ninclude_if_exists = 'edu.conf'\n"))
        .map_err(|e| {
            Failure::io(
                format!("write \"{}\"", data.join("postgresql.conf").display()),
                &e,
            )
        })
}

/// Writes a 0600 file of `account`, replacing what is there and following no link.
pub(super) fn write_private(path: &Path, text: &str, account: &Account) -> Result<()> {
    let failed = |e| Failure::io(format!("write \"{}\"", path.display()), &e);
    let partial = path.with_extension("new");
    let _ = fs::remove_file(&partial);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    account.own(&partial)?;
    fs::rename(&partial, path).map_err(failed)
}
