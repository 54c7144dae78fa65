//! The command that a test database is made for: started, told of signals, and waited for.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::failure::{Exit, Failure, Result};

/// How often the lease is renewed. Nothing is written then.
const RENEWAL: Duration = Duration::from_secs(60);

/// The signals that ask edu to end, from the first moment on.
pub(super) struct Signals {
    streams: [(Signal, Stream); 4],
}

impl Signals {
    /// Listens.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> Result<Self> {
        let stream = |kind| signal(kind).map_err(|error| Failure::io("listen for signals", &error));
        Ok(Self {
            streams: [
                (Signal::INT, stream(SignalKind::interrupt())?),
                (Signal::TERM, stream(SignalKind::terminate())?),
                (Signal::HUP, stream(SignalKind::hangup())?),
                (Signal::QUIT, stream(SignalKind::quit())?),
            ],
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        let [int, term, hup, quit] = &mut self.streams;
        tokio::select! {
            _ = int.1.recv() => int.0,
            _ = term.1.recv() => term.0,
            _ = hup.1.recv() => hup.0,
            _ = quit.1.recv() => quit.0,
        }
    }
}

/// The exit code of an edu that such a signal ended cleanly.
pub(super) fn exit(signal: Signal) -> Exit {
    if signal == Signal::INT || signal == Signal::QUIT {
        Exit::Cancelled
    } else {
        Exit::Terminated
    }
}

/// How the command ended.
pub(super) struct Outcome {
    /// Its exit code; for one that a signal ended 128 and the signal, as shells have it.
    pub code: u8,
    /// edu was asked to end meanwhile.
    pub interrupted: bool,
}

/// Waits for the command, passes signals on to it, and has the lease renewed.
///
/// # Errors
/// When the system does not tell how it ended.
pub(super) async fn wait(
    child: &mut Child,
    signals: &mut Signals,
    mut renew: impl AsyncFnMut(),
) -> Result<Outcome> {
    let mut interrupted = false;
    let mut clock = tokio::time::interval(RENEWAL);
    clock.tick().await;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(|error| Failure::io("wait for the command", &error))?;
                return Ok(Outcome { code: code(status), interrupted });
            }
            signal = signals.next() => {
                interrupted = true;
                pass_on(child, signal);
            }
            _ = clock.tick() => renew().await,
        }
    }
}

/// Sends the command a signal, unless the terminal has sent it one already.
fn pass_on(child: &Child, signal: Signal) {
    if signal != Signal::TERM && from_terminal() {
        return;
    }
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

/// Whether this process and its command are what the terminal sends Ctrl-C to.
fn from_terminal() -> bool {
    let stdin = std::io::stdin();
    stdin.is_terminal()
        && rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
