//! A wish to stop, from the outside: Ctrl-C or SIGTERM.
//!
//! The engine looks at it between files and races it against statements. It also says here what runs
//! on the server, so that leaving at once can name it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::failure::{Exit, Failure, Result};

/// Whether to stop, and what runs meanwhile.
#[derive(Debug, Default)]
pub struct Cancel {
    exit: AtomicU8,
    wish: Notify,
    running: Mutex<Option<String>>,
}

impl Cancel {
    /// Asks for a clean stop. `exit` is the code it leads to.
    pub fn request(&self, exit: Exit) {
        self.exit.store(exit as u8, Ordering::Relaxed);
        self.wish.notify_waiters();
        self.wish.notify_one();
    }

    /// The exit code of a stop that was asked for.
    pub fn requested(&self) -> Option<Exit> {
        match self.exit.load(Ordering::Relaxed) {
            0 => None,
            code if code == Exit::Terminated as u8 => Some(Exit::Terminated),
            _ => Some(Exit::Cancelled),
        }
    }

    /// Returns once a stop is asked for.
    pub async fn wished(&self) {
        while self.requested().is_none() {
            self.wish.notified().await;
        }
    }

    /// Ends `work` early when a stop is asked for. Only for work that may be dropped at any point.
    ///
    /// # Errors
    /// Those of `work`; exit 130 or 143 when a stop was asked for.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            () = self.wished() => Err(self.failure().detail("Nothing was changed.")),
        }
    }

    /// The failure that says that edu was cancelled, without the state it left.
    pub fn failure(&self) -> Failure {
        Failure::new(self.requested().unwrap_or(Exit::Cancelled), "cancelled")
    }

    /// Says what runs on the server now, or that nothing does.
    pub fn runs(&self, what: Option<String>) {
        *self
            .running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = what;
    }

    /// What runs on the server now.
    pub fn running(&self) -> Option<String> {
        self.running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}
