//! What runs on a data directory: reads `postmaster.pid` and checks it against the process.
//!
//! Source: PostgreSQL's `miscadmin.h` (`LOCK_FILE_LINE_*`) and proc(5).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::failure::{Failure, Result};

/// How often the end of a process is looked for.
const POLL: Duration = Duration::from_millis(5);

/// A running (or starting, or stopping) postmaster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster {
    /// Its process id.
    pub pid: i32,
    /// When it started. Units: seconds since 1970.
    pub started_epoch_s: u64,
    /// Its port, for TCP and as the socket's suffix.
    pub port: u16,
    /// The folder of its socket. Empty while it starts.
    pub sockets: PathBuf,
    /// Whether it accepts connections.
    pub ready: bool,
}

impl Postmaster {
    /// The postmaster of `data`, if one is alive. A stale file, even one whose process id now
    /// belongs to another program, is `None`.
    pub fn of(data: &Path) -> Option<Self> {
        let found = parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)?;
        found.alive(data).then_some(found)
    }

    /// Whether the process still lives and works in `data`.
    pub fn alive(&self, data: &Path) -> bool {
        works_in(self.pid, data)
    }

    /// Sends a signal. A process that is gone already is no failure.
    ///
    /// # Errors
    /// Exit 2 when the process belongs to somebody else.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(());
        };
        match kill_process(pid, signal) {
            Err(rustix::io::Errno::PERM) => Err(Failure::usage(format!(
                "the server (process {}) belongs to another user",
                self.pid
            ))
            .hint("Run the command as the user who started it, or as root.")),
            _ => Ok(()),
        }
    }

    /// Waits until the process is gone. Shape: whether it went in time.
    pub fn wait_gone(&self, data: &Path, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.alive(data) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}

/// Removes the lock files of a dead server whose process id still exists: as another program's, or
/// as a zombie where the container's first process reaps nobody. PostgreSQL itself would take it for
/// a postmaster and refuse to start. Call it under the cluster's lock; `sockets` is the cluster's own.
pub fn remove_misleading(data: &Path, sockets: &Path) {
    if Postmaster::of(data).is_some() {
        return;
    }
    let file = data.join("postmaster.pid");
    let found = fs::read_to_string(&file).ok().and_then(|text| parse(&text));
    if found.is_some_and(|found| exists(found.pid)) {
        let _ = fs::remove_file(file);
    }
    for entry in fs::read_dir(sockets).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn exists(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether `pid` lives with `data` as its working directory, as every postmaster does.
fn works_in(pid: i32, data: &Path) -> bool {
    if !exists(pid) {
        return false;
    }
    match fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => data.canonicalize().is_ok_and(|data| data == cwd),
        // Another user's process hides it.
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => is_postgres(pid),
        Err(_) => false,
    }
}

fn is_postgres(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

fn parse(text: &str) -> Option<Postmaster> {
    let lines: Vec<&str> = text.lines().collect();
    let line = |number: usize| lines.get(number).copied().unwrap_or("").trim();
    Some(Postmaster {
        // A single-user server writes its id negated.
        pid: line(0).parse::<i32>().ok()?.abs(),
        started_epoch_s: line(2).parse().unwrap_or(0),
        port: line(3).parse().unwrap_or(0),
        sockets: PathBuf::from(line(4)),
        ready: matches!(line(7), "ready" | "standby"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_by_its_lines() {
        let text = "4711\n/d\n1767225600\n20711\n/tmp/edu-0/ab\n127.0.0.1\n  123 4\nready   \n";
        let found = parse(text).unwrap();
        assert_eq!((found.pid, found.port, found.ready), (4711, 20711, true));
        assert_eq!(found.sockets, Path::new("/tmp/edu-0/ab"));
        assert!(!parse("4711\n/d\n").unwrap().ready);
    }

    #[test]
    fn another_programs_process_is_not_taken_for_a_postmaster() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("postmaster.pid");
        fs::write(
            &file,
            format!("{}\n/d\n1\n1\n\n\n\nready\n", std::process::id()),
        )
        .unwrap();
        assert_eq!(Postmaster::of(data.path()), None);
        remove_misleading(data.path(), Path::new("/nonexistent"));
        assert!(!file.exists());
    }
}
