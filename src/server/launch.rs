//! Starts a postmaster, waits until it accepts connections, and words why it did not.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::WAYS_OUT;
use super::postmaster::Postmaster;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};

/// How often a starting server is looked at.
const POLL: Duration = Duration::from_millis(5);

/// How long a server may take to accept connections, crash recovery included.
const START_MAX: Duration = Duration::from_secs(300);

/// How many lines of the log a failure shows.
const LOG_LINES_MAX: usize = 6;

/// How a launch ended.
#[derive(Debug)]
pub enum Launch {
    /// The server accepts connections.
    Ready(Child),
    /// The server gave up; this is what it wrote.
    Died(String),
}

/// Starts `postgres` (a prepared server command) on `data` and waits until it is ready or dead.
/// What it writes before its own log begins goes to `start_log`.
///
/// # Errors
/// Exit 2 when the program cannot be started, 7 when it is not ready in time (it is then stopped).
pub fn launch(
    mut postgres: Command,
    data: &Path,
    start_log: &Path,
    report: Report,
) -> Result<Launch> {
    let open = |e| Failure::io(format!("write \"{}\"", start_log.display()), &e);
    let log = File::create(start_log).map_err(open)?;
    let marks = log_sizes(data);
    let mut child = postgres
        .arg("-D")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(open)?)
        .stderr(log)
        // Ctrl-C in the terminal is not meant for the server.
        .process_group(0)
        .spawn()
        .map_err(|e| {
            Failure::io(
                format!("start \"{}\"", postgres.get_program().display()),
                &e,
            )
            .hint(WAYS_OUT)
        })?;
    let began = Instant::now();
    loop {
        if let Ok(Some(_)) = child.try_wait() {
            return Ok(Launch::Died(written(data, start_log, &marks)));
        }
        let found =
            Postmaster::of(data).filter(|found| i64::from(found.pid) == i64::from(child.id()));
        if found.is_some_and(|found| found.ready) {
            return Ok(Launch::Ready(child));
        }
        if began.elapsed() > START_MAX {
            let _ = child.kill();
            let text = written(data, start_log, &marks);
            return Err(
                Failure::new(Exit::Unreachable, "the server was not ready in time")
                    .detail(format!(
                        "It had {} s and was stopped. {}",
                        START_MAX.as_secs(),
                        tail(&text)
                    ))
                    .hint("Look at the whole log: edu server logs"),
            );
        }
        if began.elapsed() > Duration::from_secs(2) {
            report(Progress::Detail(
                "it may be recovering from a crash".to_owned(),
            ));
        }
        std::thread::sleep(POLL);
    }
}

/// The newest log file of `data`'s own log.
pub fn newest_log(data: &Path) -> Option<PathBuf> {
    let modified = |path: &PathBuf| path.metadata().and_then(|meta| meta.modified()).ok();
    log_files(data).into_iter().max_by_key(modified)
}

fn log_files(data: &Path) -> Vec<PathBuf> {
    fs::read_dir(data.join("log"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect()
}

fn log_sizes(data: &Path) -> Vec<(PathBuf, u64)> {
    log_files(data)
        .into_iter()
        .map(|path| (path.clone(), path.metadata().map_or(0, |meta| meta.len())))
        .collect()
}

/// What this launch wrote: the start log, and what was appended to the server's own.
fn written(data: &Path, start_log: &Path, marks: &[(PathBuf, u64)]) -> String {
    let mut text = fs::read(start_log).unwrap_or_default();
    for path in log_files(data) {
        let bytes = fs::read(&path).unwrap_or_default();
        let mark = marks
            .iter()
            .find(|(known, _)| *known == path)
            .map_or(0, |(_, size)| *size as usize);
        text.extend_from_slice(bytes.get(mark..).unwrap_or(&bytes));
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What makes a line of the log worth showing.
const TELLING: [&str; 9] = [
    "FATAL:",
    "PANIC:",
    "ERROR:",
    "DETAIL:",
    "HINT:",
    "error:",
    "LOG:  could not",
    "LOG:  invalid",
    "LOG:  unrecognized",
];

/// The lines that tell, else the last ones; without the log's prefix.
fn tail(text: &str) -> String {
    let start = |line: &str| TELLING.iter().filter_map(|mark| line.find(mark)).min();
    let routine = |line: &str| line.contains("HINT:  Future log output");
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| !routine(line))
        .filter_map(|line| start(line).map(|at| &line[at..]))
        .collect();
    if lines.is_empty() {
        lines = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
    }
    let skip = lines.len().saturating_sub(LOG_LINES_MAX);
    let lines: Vec<String> = lines
        .into_iter()
        .skip(skip)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    lines.join("\n")
}

/// Whether the server died because its port was taken meanwhile.
pub fn port_was_taken(text: &str) -> bool {
    text.contains("Address already in use") || text.contains("could not create any TCP/IP sockets")
}

/// Whether the server died of something that passes by itself: the orphans of a killed one still
/// hold its shared memory for a moment.
pub fn will_pass(text: &str) -> bool {
    text.contains("pre-existing shared memory block")
}

/// Words why a server died at its start.
pub fn explain(text: &str, data: &Path) -> Failure {
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let at = data.display();
    let (cause, hint): (&str, String) = if port_was_taken(text) {
        (
            "its port was taken",
            "Run it again: edu picks another port.".to_owned(),
        )
    } else if says(&[
        "initialized by PostgreSQL version",
        "incompatible with server",
    ]) {
        (
            "its data belongs to another version of PostgreSQL",
            format!("Move \"{at}\" away, or use the version that made it (--major)."),
        )
    } else if says(&["pre-existing shared memory block"]) {
        (
            "processes of a crashed server still use its memory",
            "End them, or wait a moment, and start it again.".to_owned(),
        )
    } else if says(&[
        "could not create shared memory segment",
        "could not map anonymous shared memory",
        "could not resize shared memory",
    ]) {
        (
            "there is not enough shared memory",
            "Give the machine or container more memory, or a larger /dev/shm.".to_owned(),
        )
    } else if says(&["No space left on device"]) {
        ("the disk is full", format!("Free some space at \"{at}\"."))
    } else if says(&[
        "has wrong ownership",
        "has invalid permissions",
        "Permission denied",
    ]) {
        (
            "of the permissions of its files",
            format!(
                "The data directory must be 0700 and belong to the server's account: look at \"{at}\"."
            ),
        )
    } else if says(&["could not access file", "could not load library"]) {
        (
            "a library could not be loaded",
            "See which programs are used and why: edu server status".to_owned(),
        )
    } else {
        (
            "of the reason below",
            "Look at the whole log: edu server logs".to_owned(),
        )
    };
    Failure::new(
        Exit::Unreachable,
        format!("the server did not start, because {cause}"),
    )
    .detail(tail(text))
    .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_worded_by_its_cause_with_the_servers_own_lines() {
        let log = "2026-01-01 00:00:00 UTC [1] LOG:  starting\n\
                   2026-01-01 00:00:00 UTC [1] FATAL:  database files are incompatible with server\n\
                   2026-01-01 00:00:00 UTC [1] DETAIL:  The data directory was initialized by PostgreSQL version 16.\n";
        let failure = explain(log, Path::new("/d"));
        assert!(
            failure.error.ends_with("another version of PostgreSQL"),
            "{failure}"
        );
        assert_eq!(
            failure.detail[0].lines().next(),
            Some("FATAL: database files are incompatible with server")
        );
    }

    #[test]
    fn a_taken_port_is_told_from_other_deaths() {
        assert!(port_was_taken(
            "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use"
        ));
        assert!(!port_was_taken("FATAL:  out of memory"));
    }
}
