//! Another program, run to its end; ended itself when edu is cancelled.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::{Failure, Result};

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How long a program may take to end after it was asked to.
const END_MAX: Duration = Duration::from_secs(5);

/// How much of what a program says is kept. Units: bytes.
const SAID_MAX: u64 = 16 * 1024;

/// A program that does not outlive this value.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + END_MAX;
        while Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command` with this process's own output, and `input` on its standard input.
///
/// # Errors
/// Exit 2 when it cannot be started.
pub async fn run(mut command: Command, input: Option<String>) -> Result<ExitStatus> {
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = start(&mut command)?;
    if let (Some(text), Some(mut pipe)) = (input, child.0.stdin.take()) {
        std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    }
    wait(&mut child).await
}

/// Runs `command` silently. Shape: whether it succeeded, and the last lines it said on stderr.
///
/// # Errors
/// Exit 2 when it cannot be started.
pub async fn run_silently(mut command: Command) -> Result<(ExitStatus, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = start(&mut command)?;
    let reader = child.0.stderr.take().map(|mut pipe| {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = pipe.by_ref().take(SAID_MAX).read_to_end(&mut said);
            // What is over the limit is read and dropped, so that the program never waits for us.
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
            String::from_utf8_lossy(&said).trim().to_owned()
        })
    });
    let status = wait(&mut child).await?;
    let said = reader.and_then(|reader| reader.join().ok());
    Ok((status, said.unwrap_or_default()))
}

fn start(command: &mut Command) -> Result<Guarded> {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .spawn()
        .map(Guarded)
        .map_err(|error| Failure::io(format!("run \"{program}\""), &error))
}

async fn wait(child: &mut Guarded) -> Result<ExitStatus> {
    loop {
        match child.0.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => tokio::time::sleep(POLL).await,
            Err(error) => return Err(Failure::io("wait for a program", &error)),
        }
    }
}
