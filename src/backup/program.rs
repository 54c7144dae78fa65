//! Runs a client program (`pg_dump`, `pg_restore`, `pg_basebackup`) and hears what it says.
//!
//! Its exit status decides. It is ended when the work is given up.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::sync::mpsc;

use crate::failure::{Exit, Failure, Result};

/// How many of its last lines are shown when it fails.
const LINES_MAX: usize = 8;

/// A running program, which ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Runs `command` to its end and gives each line of its stderr to `hear`.
///
/// # Errors
/// Exit 2 when it cannot be started; exit 5 with its own last words when it fails.
pub async fn run(mut command: Command, mut hear: impl FnMut(&str)) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|e| Failure::io(format!("run \"{program}\""), &e))?;
    let said = child.stderr.take();
    let mut running = Running(child);
    let (sender, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in said
            .into_iter()
            .flat_map(|said| BufReader::new(said).lines())
        {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut words: Vec<String> = Vec::new();
    while let Some(line) = lines.recv().await {
        let line = line.trim_start_matches(&format!("{name}: ")).to_owned();
        hear(&line);
        if ["error:", "fatal:", "detail:", "hint:", "Command was:"]
            .iter()
            .any(|word| line.starts_with(word))
        {
            words.push(line);
        }
    }
    // It closed its stderr: it is at its end.
    let status = running
        .0
        .wait()
        .map_err(|e| Failure::io(format!("wait for \"{program}\""), &e))?;
    if status.success() {
        return Ok(());
    }
    let skip = words.len().saturating_sub(LINES_MAX);
    let mut failure = Failure::new(Exit::Sql, format!("{name} failed ({status})"));
    for line in words.drain(skip..) {
        failure = failure.detail(line);
    }
    Err(failure)
}

/// What `command` writes to stdout.
///
/// # Errors
/// As [`run`].
pub fn output(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Failure::io(format!("run \"{program}\""), &e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(
        Failure::new(Exit::Sql, format!("{name} failed ({})", output.status))
            .detail(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    )
}
