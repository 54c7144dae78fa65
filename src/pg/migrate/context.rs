//! What the command layer tells the engine: whose run it is, how patient it may be, and the wish to
//! stop.

use std::sync::Arc;
use std::time::Duration;

use crate::pg::cancel::Cancel;

/// The first limit of one attempt at a lock.
const ATTEMPT_FIRST: Duration = Duration::from_millis(700);

/// No attempt at a lock is longer.
const ATTEMPT_MAX: Duration = Duration::from_secs(2);

/// Who runs edu, and from which state of the project.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// The person or account.
    pub who: String,
    /// The machine.
    pub host: String,
    /// edu's version.
    pub application: String,
    /// The project's git revision, if it is under git.
    pub revision: Option<String>,
    /// Whether the project had changes that were not committed.
    pub dirty: Option<bool>,
}

/// How long a run may wait and work.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// For all waiting for locks of one migration.
    pub ddl: Duration,
    /// For one statement, unless the file says otherwise. None: without limit.
    pub statement: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            ddl: Duration::from_secs(600),
            statement: None,
        }
    }
}

/// All of it.
pub struct Context {
    /// The project's name, which marks the database as its own.
    pub project: String,
    /// Finds out who runs edu. Asked once, and only when something is to be applied.
    pub provenance: Arc<dyn Fn() -> Provenance + Send + Sync>,
    /// How patient it may be.
    pub budget: Budget,
    /// What the working session calls itself: the command.
    pub command: String,
    /// The wish to stop.
    pub cancel: Cancel,
}

impl Context {
    /// The context of `project`, with the usual patience.
    pub fn new(
        project: &str,
        command: &str,
        provenance: impl Fn() -> Provenance + Send + Sync + 'static,
    ) -> Self {
        Self {
            project: project.to_owned(),
            command: command.to_owned(),
            provenance: Arc::new(provenance),
            budget: Budget::default(),
            cancel: Cancel::default(),
        }
    }
}

/// The limits of one attempt after the other: 0.7 s, growing by 1.4 up to 2 s. A limit that the file
/// sets stays as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    limit: Duration,
    fixed: bool,
}

impl Patience {
    pub fn new(fixed: Option<Duration>) -> Self {
        Self {
            limit: fixed.unwrap_or(ATTEMPT_FIRST),
            fixed: fixed.is_some(),
        }
    }

    /// The limit of the next attempt.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Is more patient from now on.
    pub fn grow(&mut self) {
        if !self.fixed {
            self.limit = self.limit.mul_f64(1.4).min(ATTEMPT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_grows_to_two_seconds_and_no_further() {
        let mut patience = Patience::new(None);
        let mut limits = Vec::new();
        for _ in 0..5 {
            limits.push(patience.limit().as_millis());
            patience.grow();
        }
        assert_eq!(limits, [700, 980, 1372, 1920, 2000]);
    }
}
