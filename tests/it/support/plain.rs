//! Servers that edu has no command for: another major, or a standby.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use edu::config::Environment;
use edu::progress::silent;
use edu::server::Runtime;
use edu::server::account::Account;
use edu::server::runtime::USUAL;
use tempfile::TempDir;

use super::{runtime, server};

/// A server of the test's own, reached over a socket in its own folder.
pub struct Plain {
    folder: TempDir,
    bin: PathBuf,
    account: Account,
    runtime: Option<Runtime>,
    settings: &'static str,
}

/// The port is only the socket's suffix: nothing listens on TCP.
const PORT: &str = "5432";

impl Plain {
    /// A new, empty server of an installed PostgreSQL. Nothing when `bin` holds none.
    pub fn installed(bin: &str) -> Option<Self> {
        let bin = PathBuf::from(bin);
        if !bin.join("initdb").is_file() {
            return None;
        }
        let plain = Self::at(bin);
        let mut initdb = plain.command("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "--no-sync", "-D"]);
        run(initdb.arg(plain.data()));
        plain.start();
        Some(plain)
    }

    /// A new, empty server of one of edu's majors, with further options of `postgres`.
    pub fn of_major(major: u16, settings: &'static str) -> Self {
        let runtime = Runtime::ensure(&Environment::read(), major, &USUAL, &silent)
            .unwrap_or_else(|failure| panic!("{failure}: {:?}", failure.hint));
        let mut plain = Self::at(runtime.bin.clone());
        plain.runtime = Some(runtime);
        plain.settings = settings;
        let mut initdb = plain.command("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "--no-sync", "-D"]);
        run(initdb.arg(plain.data()));
        plain.start();
        plain
    }

    /// A standby of the tests' shared server.
    pub fn standby() -> Self {
        let plain = Self::at(runtime().bin.clone());
        let mut copy = plain.command("pg_basebackup");
        copy.args(["-U", "postgres", "-R", "--no-sync", "--checkpoint=fast"])
            .args(["-p", &server().port.to_string(), "-h"])
            .arg(server().sockets())
            .arg("-D");
        run(copy.arg(plain.data()));
        plain.start();
        plain
    }

    /// The superuser's URL.
    pub fn url(&self, database: &str) -> String {
        let sockets = self.folder.path().display();
        format!("postgresql://postgres@localhost:{PORT}/{database}?host={sockets}")
    }

    /// What the URL has and the next run has not.
    pub fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn at(bin: PathBuf) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("edu-plain-")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        let account = Account::for_server().expect("an account");
        account.own(folder.path()).expect("the folder's owner");
        Self {
            folder,
            bin,
            account,
            runtime: None,
            settings: "",
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let known = self.runtime.as_ref().unwrap_or_else(|| runtime());
        if self.bin == known.bin {
            return known.server_command(&self.account, program);
        }
        let mut command = Command::new(self.bin.join(program));
        command.env_clear().env("PATH", "/usr/bin:/bin");
        self.account.assume(&mut command);
        command
    }

    /// Ends the server as a power cut would: it does not even close its files.
    pub fn stop_at_once(&self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["-w", "-m", "immediate", "-s", "-D"]);
        run(stop.arg(self.data()).arg("stop"));
    }

    /// Starts the server, and waits until it answers.
    pub fn start(&self) {
        let options = format!(
            "-F -p {PORT} -k '{}' -c listen_addresses= {}",
            self.folder.path().display(),
            self.settings
        );
        let mut start = self.command("pg_ctl");
        start.args(["-w", "-t", "120", "-s", "-o", &options, "-l"]);
        start.arg(self.folder.path().join("log")).arg("-D");
        run(start.arg(self.data()).arg("start"));
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["-m", "immediate", "-s", "-D"]);
        let _ = stop.arg(self.data()).arg("stop").status();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    // No pipes: a postmaster that pg_ctl starts would hold a pipe open.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("a program that runs");
    assert!(status.success(), "{command:?}");
}
