//! Brings a cluster up: creates it the first time, configures it, and starts its server on a port
//! that is free.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::account::Account;
use super::cluster::{Cluster, SUPERUSER, Status};
use super::initdb::{init, write_private};
use super::launch::{self, Launch};
use super::place;
use super::postmaster::{self, Postmaster};
use super::runtime::Runtime;
use super::settings::{self, Durability, Settings};
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};

/// How long a server that another process is starting is waited for.
const OTHERS_START_MAX: Duration = Duration::from_secs(120);

/// How long the orphans of a crashed server are waited for.
const ORPHANS_MAX: Duration = Duration::from_secs(15);

/// How many ports are tried when others take them between the choice and the start.
const PORT_RACES_MAX: u32 = 5;

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

impl Cluster {
    /// Creates the cluster if there is none, starts it, and waits until it accepts connections.
    ///
    /// # Errors
    /// Exit 7 when the server gives up, with its own words; exit 2 for directories and permissions.
    /// A cluster that could not be created leaves nothing behind.
    pub fn start(&self, runtime: &Runtime, report: Report) -> Result<Start> {
        runtime.reachable_by(&self.account)?;
        let _lock = self.lock(report)?;
        if self.others_start(report)? {
            return Ok(Start::Already);
        }
        let created = self.status() == Status::Absent;
        if created {
            report(Progress::stage("creating the cluster"));
            self.create(runtime)?;
        }
        postmaster::remove_misleading(&self.data, &self.sockets);
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

    /// Whether a server that is there already gets ready; one that is ending is waited for.
    fn others_start(&self, report: Report) -> Result<bool> {
        let began = Instant::now();
        while let Some(found) = Postmaster::of(&self.data) {
            if found.ready {
                return Ok(true);
            }
            if began.elapsed() > OTHERS_START_MAX {
                return Err(Failure::new(
                    Exit::Unreachable,
                    format!(
                        "the server (process {}) neither got ready nor ended",
                        found.pid
                    ),
                )
                .hint("Look at its log: edu server logs"));
            }
            report(Progress::Detail(
                "it is starting or ending already".to_owned(),
            ));
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }

    /// Makes the cluster beside its place and moves it there, so that a killed attempt is no cluster.
    /// Each attempt has a place of its own: the initdb of a killed one may still be at work.
    fn create(&self, runtime: &Runtime) -> Result<()> {
        self.sweep();
        let _ = fs::remove_dir(&self.data);
        let password = uuid::Uuid::new_v4().simple().to_string();
        let attempt = uuid::Uuid::new_v4().simple().to_string();
        let partial = self.beside(".partial").with_extension(&attempt);
        let secret = self.beside(".initial").with_extension(&attempt);
        place::open_folder(&partial)?;
        self.account.own(&partial)?;
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

    /// Removes what killed attempts left. One whose initdb still runs is swept the next time.
    fn sweep(&self) {
        let folder = self.data.parent().unwrap_or(&self.data);
        let left = [self.beside(".partial"), self.beside(".initial")];
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if left.contains(&path) || left.contains(&path.with_extension("")) {
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
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
            self.configure(&conf, runtime, port)?;
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

    fn configure(&self, conf: &Path, runtime: &Runtime, port: u16) -> Result<()> {
        let text = Settings {
            port,
            sockets: &self.sockets,
            listen: settings::loopback(),
            durability: Durability::Kept,
            preload: &runtime.preload,
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
}
