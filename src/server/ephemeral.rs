//! Servers that live as long as somebody uses them: for tests and scratch databases.
//!
//! Each has one folder, on tmpfs where there is room: the data, the socket, and two lock files. Its
//! users hold `lease` shared; its [`super::guard`] holds `guard` and ends the server once it gets
//! `lease` exclusively. The kernel drops a process's locks however it ends, so a killed test leaves
//! nothing behind. Should the guard itself be killed, the next start sweeps up.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::account::Account;
use super::order::{Failed, Leave, Order, Ready, lock_file, read_json, write_json};
use super::postmaster::Postmaster;
use super::runtime::Runtime;
use super::{place, url};
use crate::failure::{Exit, Failure, Result};

/// The free memory from which on data is kept on tmpfs. Units: bytes.
const TMPFS_BYTES_MIN: u64 = 1 << 30;

/// `statfs.f_type` of tmpfs. Source: statfs(2).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// How long a new server is waited for.
const START_MAX: Duration = Duration::from_secs(120);

/// How often a starting or ending server is looked at.
const POLL: Duration = Duration::from_millis(5);

/// How an ephemeral server is to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Settings beyond edu's own, such as `listen_addresses` (default: the socket only).
    pub settings: Vec<(String, String)>,
    /// A process whose life also keeps the server: the parent of several test processes.
    pub while_pid: Option<u32>,
    /// A folder that [`Ephemeral::leave_data`] has filled: the server starts from a copy of it, which
    /// takes a fraction of the time that a new one takes.
    pub copy_of: Option<PathBuf>,
}

/// A lease on an ephemeral server. Dropping the last one ends the server.
#[derive(Debug)]
pub struct Ephemeral {
    /// The server's folder.
    folder: PathBuf,
    /// The port, for TCP and as the socket's suffix.
    pub port: u16,
    /// The superuser's password for TCP.
    pub password: String,
    _lease: File,
}

impl Ephemeral {
    /// Starts a server of one's own. `edu` is the program that becomes its guard.
    ///
    /// # Errors
    /// Exit 7 when the server does not start, 2 for folders and permissions. Nothing is left behind.
    pub fn start(runtime: &Runtime, edu: &Path, options: &Options) -> Result<Self> {
        let account = Account::for_server()?;
        runtime.reachable_by(&account)?;
        let (folder, lease) = create_folder()?;
        let order = Order {
            runtime: runtime.clone(),
            account,
            settings: options.settings.clone(),
            while_pid: options.while_pid,
            copy_of: options.copy_of.clone(),
        };
        let started = write_json(&folder.join("order.json"), &order)
            .and_then(|()| spawn_guard(edu, &folder))
            .and_then(|guard| await_ready(guard, &folder));
        match started {
            Ok(ready) => Ok(Self {
                folder,
                port: ready.port,
                password: ready.password,
                _lease: lease,
            }),
            Err(failure) => {
                drop(lease);
                let _ = fs::remove_dir_all(&folder);
                Err(failure)
            }
        }
    }

    /// Joins the server that processes with the same `key` folder share, starting it if there is
    /// none. Of many that ask at once, one starts it.
    ///
    /// # Errors
    /// As [`Ephemeral::start`].
    pub fn attach(runtime: &Runtime, edu: &Path, key: &Path, options: &Options) -> Result<Self> {
        place::open_folder(key)?;
        let lock = lock_file(&key.join(format!("server-{}.lock", runtime.major)))?;
        lock.lock()
            .map_err(|e| Failure::io(format!("lock \"{}\"", key.display()), &e))?;
        let pointer = key.join(format!("server-{}", runtime.major));
        let known = fs::read_to_string(&pointer).unwrap_or_default();
        if let Some(joined) = Self::join(Path::new(known.trim())) {
            return Ok(joined);
        }
        let started = Self::start(runtime, edu, options)?;
        fs::write(&pointer, started.folder.display().to_string())
            .map_err(|e| Failure::io(format!("write \"{}\"", pointer.display()), &e))?;
        Ok(started)
    }

    /// Takes a lease on a server that runs, unless its guard is ending it.
    fn join(folder: &Path) -> Option<Self> {
        let lease = File::open(folder.join("lease")).ok()?;
        lease.try_lock_shared().ok()?;
        let ready: Ready = read_json(&folder.join("ready.json"))?;
        Postmaster::of(&folder.join("data")).filter(|found| found.ready)?;
        Some(Self {
            folder: folder.to_path_buf(),
            port: ready.port,
            password: ready.password,
            _lease: lease,
        })
    }

    /// The folder of the socket, as libpq's `host`.
    pub fn sockets(&self) -> PathBuf {
        self.folder.join("s")
    }

    /// The URL over the socket. It holds no secret.
    pub fn url(&self, database: &str, user: &str) -> String {
        url::socket(user, database, &self.sockets(), self.port)
    }

    /// The URL over loopback TCP; of use only with `listen_addresses` among the settings.
    pub fn tcp_url(&self, database: &str, user: &str, password: Option<&str>) -> String {
        url::tcp(user, password, database, self.port)
    }

    /// Ends the server cleanly, and leaves its data in the folder `to`, to be copied from. Nobody else
    /// may use the server.
    ///
    /// # Errors
    /// Exit 7 when it has not ended, or could not be copied, within `limit`; `to` is not there then.
    pub fn leave_data(self, to: &Path, limit: Duration) -> Result<()> {
        let leave = Leave { to: to.to_owned() };
        write_json(&self.folder.join("leave.json"), &leave)?;
        let ended = self.end(limit);
        if ended && to.join("data").is_dir() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Unreachable,
            format!(
                "the server's data could not be left in \"{}\"",
                to.display()
            ),
        )
        .hint("Is there space? Then run the command again."))
    }

    /// Gives the lease back and waits until the server and its folder are gone, if it was the last.
    /// Shape: whether they went within `limit`.
    pub fn end(self, limit: Duration) -> bool {
        let folder = self.folder.clone();
        drop(self);
        let deadline = Instant::now() + limit;
        while folder.exists() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}

/// Where ephemeral servers live: tmpfs with room, else `/tmp`.
fn base() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    let shm = Path::new("/dev/shm");
    let roomy = rustix::fs::statfs(shm).is_ok_and(|stat| {
        let free = stat.f_bavail.saturating_mul(stat.f_bsize as u64);
        i128::from(stat.f_type) == i128::from(TMPFS_MAGIC) && free >= TMPFS_BYTES_MIN
    });
    let parent = if roomy { shm } else { Path::new("/tmp") };
    parent.join(format!("edu-{uid}.servers"))
}

/// Makes a folder and takes its lease, after sweeping up dead ones.
fn create_folder() -> Result<(PathBuf, File)> {
    let base = base();
    place::traversable_folder(&base)?;
    let lock = lock_file(&base.join("lock"))?;
    lock.lock()
        .map_err(|e| Failure::io(format!("lock \"{}\"", base.display()), &e))?;
    sweep(&base);
    let name: String = uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .take(8)
        .collect();
    let folder = base.join(name);
    place::traversable_folder(&folder)?;
    let lease = lock_file(&folder.join("lease"))?;
    lease
        .lock_shared()
        .map_err(|e| Failure::io(format!("lock \"{}\"", folder.display()), &e))?;
    Ok((folder, lease))
}

/// Ends and removes servers that have neither a guard nor a user. A guard that is still dying holds
/// its lock for some milliseconds more: what it leaves is then for the start after this one.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let folder = entry.path();
        if !folder.is_dir() {
            continue;
        }
        let (Ok(guard), Ok(lease)) = (
            lock_file(&folder.join("guard")),
            lock_file(&folder.join("lease")),
        ) else {
            continue;
        };
        if guard.try_lock().is_ok() && lease.try_lock().is_ok() {
            end_server(&folder.join("data"));
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Ends the server of `data`, if one runs there.
pub(super) fn end_server(data: &Path) {
    let Some(found) = Postmaster::of(data) else {
        return;
    };
    for (signal, limit) in [
        (Signal::QUIT, Duration::from_secs(6)),
        (Signal::KILL, Duration::from_secs(2)),
    ] {
        if found.signal(signal).is_err() || found.wait_gone(data, limit) {
            return;
        }
    }
}

fn spawn_guard(edu: &Path, folder: &Path) -> Result<Child> {
    let log = File::create(folder.join("guard.log"))
        .map_err(|e| Failure::io(format!("write into \"{}\"", folder.display()), &e))?;
    Command::new(edu)
        .args(["server", "guard"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // Ctrl-C is for the tests; the guard goes when they are gone.
        .process_group(0)
        .spawn()
        .map_err(|e| Failure::io(format!("run \"{}\"", edu.display()), &e))
}

fn await_ready(mut guard: Child, folder: &Path) -> Result<Ready> {
    let deadline = Instant::now() + START_MAX;
    loop {
        if let Some(ready) = read_json(&folder.join("ready.json")) {
            // The guard outlives this process as a rule; while it does not, somebody must reap it.
            std::thread::spawn(move || guard.wait());
            return Ok(ready);
        }
        let ended = guard.try_wait().ok().flatten().is_some();
        if let Some(failed) = read_json::<Failed>(&folder.join("failed.json")) {
            let mut failure = Failure::new(Exit::Unreachable, failed.error);
            failure.detail = failed.detail;
            failure.hint = failed.hint;
            return Err(failure);
        }
        if ended || Instant::now() >= deadline {
            let _ = guard.kill();
            let log = fs::read_to_string(folder.join("guard.log")).unwrap_or_default();
            return Err(
                Failure::new(Exit::Unreachable, "the ephemeral server did not start")
                    .detail(log.trim().to_owned()),
            );
        }
        std::thread::sleep(POLL);
    }
}
