//! How long work tells what it is doing, without knowing who listens.
//!
//! `pg` and `server` call a [`Report`]; `ui` turns what it hears into bars or lines. Nothing here
//! prints.

use std::time::Duration;

/// What one unit of a stage's total is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown as KiB, MiB.
    Bytes,
    /// Countable things: rows, files, migrations.
    Items,
    /// Thousandths of a whole, shown in per cent; what is left to do is told in the detail.
    Permille,
}

/// One thing worth knowing while work goes on.
#[derive(Debug, Clone)]
pub enum Progress {
    /// A new stage began and ends the one before. `what` is a present participle with its object:
    /// "downloading packages". `total` is absent when nobody knows it.
    Stage {
        /// What is being done.
        what: String,
        /// How many units there are in all.
        total: Option<u64>,
        /// What a unit is.
        unit: Unit,
    },
    /// The current stage has reached this many units.
    At(u64),
    /// A part of the current stage that has a name, such as a table, has reached `at` of `total` units.
    Part {
        /// Its name.
        what: String,
        /// How many units are done.
        at: u64,
        /// How many there are.
        total: u64,
    },
    /// The current stage's text changed: what is being worked on, or waited for.
    Detail(String),
    /// A remark that stays on the screen.
    Note(String),
    /// Something the user should mend, which stopped nothing. Stays on the screen.
    Warning(String),
    /// The current stage is over.
    Done,
}

impl Progress {
    /// A stage of unknown length.
    pub fn stage(what: impl Into<String>) -> Self {
        Self::Stage {
            what: what.into(),
            total: None,
            unit: Unit::Items,
        }
    }

    /// A stage of `total` units.
    pub fn counted(what: impl Into<String>, total: u64, unit: Unit) -> Self {
        Self::Stage {
            what: what.into(),
            total: Some(total),
            unit,
        }
    }
}

/// Whoever listens to progress.
pub type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Listens and does nothing: for tests and for work too short to mention.
pub fn silent(_: Progress) {}

/// Words a duration: `0.4 s`, `12 s`, `3 min 5 s`. Below 100 ms: `12 ms`.
pub fn human_time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 0.1 {
        format!("{} ms", took.as_millis())
    } else if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_worded_by_its_size() {
        assert_eq!(human_time(Duration::from_millis(12)), "12 ms");
        assert_eq!(human_time(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(human_time(Duration::from_secs(185)), "3 min 5 s");
    }
}
