//! Running work that puts things in order when it is cancelled.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::{Invocation, cancelled};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Cancel;

impl Invocation {
    /// Like [`Invocation::block_on`]; but where the work holds a guard of `cancel`, the first signal
    /// only asks it to stop, and it ends with what it says itself. The second signal leaves at once.
    ///
    /// # Errors
    /// The failure of `work`; exit 130 or 143 when cancelled.
    pub fn block_on_guarded<T>(
        &self,
        cancel: &Cancel,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("start the runtime", &error))?;
        runtime.block_on(async {
            let listen = |error| Failure::io("listen for signals", &error);
            let mut interrupt = signal(SignalKind::interrupt()).map_err(listen)?;
            let mut terminate = signal(SignalKind::terminate()).map_err(listen)?;
            let mut work = std::pin::pin!(work);
            let mut asked = false;
            loop {
                let exit = tokio::select! {
                    outcome = &mut work => return outcome,
                    _ = interrupt.recv() => Exit::Cancelled,
                    _ = terminate.recv() => Exit::Terminated,
                };
                if asked {
                    return Err(cancelled(exit)
                        .detail("It was left before it had put things in order.")
                        .hint("Run the same command again: it finds and removes what is left."));
                }
                if !cancel.ask(exit) {
                    return Err(cancelled(exit));
                }
                asked = true;
                self.ui.status(
                    "  stopping: the server is told to break off (Ctrl-C again leaves at once)",
                );
            }
        })
    }
}
