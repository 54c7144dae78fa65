//! edu in the background, waiting with a deadline, and projects made of numbered files.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::run::{Project, Run, command};

/// How long a test waits for what must come: long past what a crowded machine needs, since how fast it comes is no
/// claim.
pub const WAIT_MAX: Duration = Duration::from_secs(120);

/// A run of edu that has not ended yet. Killed when dropped.
pub struct Running {
    child: Child,
}

/// Starts edu with a clean environment in `folder`.
pub fn start(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Running {
    let mut command = command(folder, args, environment);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running {
        child: command.spawn().expect("edu could not be run"),
    }
}

impl Running {
    /// Sends a signal: "INT", "TERM", "KILL", "STOP".
    pub fn signal(&self, name: &str) {
        let signal = match name {
            "INT" => rustix::process::Signal::INT,
            "TERM" => rustix::process::Signal::TERM,
            _ => rustix::process::Signal::KILL,
        };
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, signal);
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for its end, and panics after [`WAIT_MAX`].
    #[track_caller]
    pub fn wait(mut self) -> Run {
        let mut out = self.child.stdout.take().expect("stdout");
        let mut err = self.child.stderr.take().expect("stderr");
        let read = |stream: &mut dyn Read| {
            let mut text = Vec::new();
            let _ = stream.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        let stderr = std::thread::spawn(move || read(&mut err));
        let stdout = std::thread::spawn(move || read(&mut out));
        let deadline = Instant::now() + WAIT_MAX;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status;
            }
            if Instant::now() >= deadline {
                let _ = self.child.kill();
                panic!(
                    "edu did not end within {WAIT_MAX:?}; stderr:\n{}",
                    stderr.join().unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Run {
            code: status.code().unwrap_or(-1),
            stdout: stdout.join().expect("stdout"),
            stderr: stderr.join().expect("stderr"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until `holds`, and panics after [`WAIT_MAX`].
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A project whose migrations are V0001, V0002, … with these texts.
pub fn migrations(texts: &[&str]) -> Project {
    let files: Vec<(String, &str)> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("migrations/V{:04}__step.sql", at + 1), *text))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), *t)).collect();
    Project::new(&files)
}
