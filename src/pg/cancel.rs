//! Being asked to stop, by work that has something to put in order first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::failure::{Exit, Failure};

/// A request to stop that is shared between whoever hears the signal and the work. Work that holds a
/// [`Guard`] is let finish its tidying; other work is simply dropped.
#[derive(Debug, Clone)]
pub struct Cancel {
    asked: Arc<watch::Sender<Option<Exit>>>,
    guards: Arc<AtomicUsize>,
}

/// While one lives, a first Ctrl-C does not end the work but asks it to stop.
#[derive(Debug)]
pub struct Guard(Arc<AtomicUsize>);

impl Default for Cancel {
    fn default() -> Self {
        Self {
            asked: Arc::new(watch::Sender::new(None)),
            guards: Arc::default(),
        }
    }
}

impl Cancel {
    /// Declares that the work stops by itself when asked.
    pub fn guard(&self) -> Guard {
        self.guards.fetch_add(1, Ordering::SeqCst);
        Guard(Arc::clone(&self.guards))
    }

    /// Asks the work to stop; `exit` is what the run will end with. Shape: whether it will do so by
    /// itself.
    pub fn ask(&self, exit: Exit) -> bool {
        self.asked.send_replace(Some(exit));
        self.guards.load(Ordering::SeqCst) > 0
    }

    /// The failure to end with, once asked.
    pub fn failure(&self) -> Option<Failure> {
        self.asked
            .borrow()
            .map(|exit| Failure::new(exit, "cancelled"))
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let mut asked = self.asked.subscribe();
        if asked.wait_for(Option::is_some).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
