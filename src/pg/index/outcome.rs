//! What was found or done about the declared indexes, and its words.

use std::time::{Duration, Instant};

use crate::catalog::name::Name;
use crate::progress::human_time;

/// What was found or done about one declared index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there, valid and as declared.
    Good,
    /// It was missing, invalid or different, and is built now.
    Built {
        /// How long that took. Units: milliseconds.
        took_ms: u64,
    },
    /// It is missing; seen in a dry run.
    Missing,
    /// An invalid leftover is there.
    Invalid,
    /// It is there and is not what is declared: each difference is one sentence.
    Different(Vec<String>),
}

/// One declared index and its state.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The index.
    pub name: Name,
    /// What was found or done.
    pub state: State,
}

/// All outcomes in a few words.
pub fn summary(outcomes: &[Outcome]) -> String {
    let built = outcomes
        .iter()
        .filter(|o| matches!(o.state, State::Built { .. }))
        .count();
    let different: Vec<String> = outcomes
        .iter()
        .filter(|o| matches!(o.state, State::Different(_)))
        .map(|o| format!("{} is not as declared ({})", o.name, o.state))
        .collect();
    match (built, different.as_slice()) {
        (0, []) => format!("nothing to do ({} valid)", outcomes.len()),
        (built, []) => format!("{built} built, {} valid", outcomes.len() - built),
        (built, different) => format!("{built} built; {}", different.join(", ")),
    }
}

impl State {
    /// Whether a search can rely on the index.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good | Self::Built { .. })
    }

    /// Built just now.
    pub(super) fn built_since(begun: Instant) -> Self {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self::Built { took_ms }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => f.write_str("valid, as declared"),
            Self::Built { took_ms } => {
                write!(
                    f,
                    "built in {}",
                    human_time(Duration::from_millis(*took_ms))
                )
            }
            Self::Missing => f.write_str("missing"),
            Self::Invalid => f.write_str("invalid"),
            Self::Different(differences) => f.write_str(&differences.join("; ")),
        }
    }
}
