//! How far a build is, and how long it still takes, from what the progress view says.
//!
//! Source: `pg_stat_progress_create_index`. `tuples_total` is 0 for hnsw; blocks are what counts.

use std::collections::VecDeque;

/// What a whole build counts as. Units: per mille.
pub const WHOLE: u64 = 1_000;

/// The part that reading the table takes; validation and waiting share the rest.
const LOADING: std::ops::Range<f64> = 0.0..950.0;

/// A rate is taken over at least this long. Units: seconds.
const WINDOW_S: f64 = 4.0;

/// One look at the progress view.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// When. Units: seconds since the build began.
    pub at_s: f64,
    /// The phase, as the server calls it.
    pub phase: String,
    /// Blocks that are done in this phase.
    pub done: u64,
    /// Blocks of this phase; 0 where there are none.
    pub total: u64,
}

/// What a look means.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// How much of the build is done; never less than before. Units: per mille.
    pub done: u64,
    /// Blocks that are done in this phase.
    pub blocks: u64,
    /// Blocks per second of late.
    pub rate: Option<f64>,
    /// How long loading still takes. Units: seconds.
    pub eta_s: Option<f64>,
}

/// Follows one build.
#[derive(Debug, Default)]
pub struct Meter {
    seen: VecDeque<(f64, u64)>,
    phase: String,
    under_way: bool,
    done: u64,
}

/// The build's stretch that a phase covers. Units: per mille.
fn stretch(phase: &str) -> std::ops::Range<f64> {
    if phase.starts_with("building index") {
        LOADING
    } else if phase.starts_with("waiting for writers before validation") {
        950.0..955.0
    } else if phase.starts_with("index validation: scanning index") {
        955.0..965.0
    } else if phase.starts_with("index validation: sorting") {
        965.0..970.0
    } else if phase.starts_with("index validation: scanning table") {
        970.0..990.0
    } else if phase.starts_with("waiting for old snapshots")
        || phase.starts_with("waiting for readers")
    {
        990.0..995.0
    } else {
        0.0..0.0
    }
}

impl Meter {
    /// Takes a look in.
    pub fn see(&mut self, look: &Look) -> Reading {
        if look.phase != self.phase {
            self.phase.clone_from(&look.phase);
            self.seen.clear();
            self.under_way = false;
        }
        // While the scan is in its first block the server reports all blocks as done, because it takes
        // "not past the start" for "once around". Source: `heapam_scan_get_blocks_done`.
        self.under_way |= look.done < look.total && look.done > 0;
        let blocks = if self.under_way { look.done } else { 0 };
        self.seen.push_back((look.at_s, blocks));
        let now = (look.at_s, blocks);
        let first = self.seen.front().copied().unwrap_or(now);
        // Of late: the last fifth of the time, so that a build that left memory is believed soon.
        let window = WINDOW_S.max((look.at_s - first.0) / 5.0);
        let recent = self
            .seen
            .iter()
            .rev()
            .take_while(|(at, _)| look.at_s - at <= window)
            .last()
            .copied()
            .unwrap_or(first);
        let overall = rate(first, now);
        let late = rate(recent, now);
        if self.seen.len() > 4_000 {
            // The first look stays, for the overall rate.
            self.seen.remove(1);
        }
        let fraction = if look.total == 0 {
            0.0
        } else {
            (blocks as f64 / look.total as f64).min(1.0)
        };
        let stretch = stretch(&look.phase);
        let reached = (stretch.start + (stretch.end - stretch.start) * fraction) as u64;
        self.done = self.done.max(reached).min(WHOLE);
        let slowest = match (overall, late) {
            (Some(overall), Some(late)) => Some(overall.min(late)),
            (overall, late) => overall.or(late),
        };
        let left = look.total.saturating_sub(blocks) as f64;
        Reading {
            done: self.done,
            blocks,
            rate: late,
            eta_s: slowest.filter(|_| look.total > 0).map(|rate| left / rate),
        }
    }
}

fn rate(from: (f64, u64), to: (f64, u64)) -> Option<f64> {
    let blocks = to.1.saturating_sub(from.1) as f64;
    let seconds = to.0 - from.0;
    (seconds >= 0.5 && blocks > 0.0).then(|| blocks / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADING_PHASE: &str = "building index: loading tuples";

    fn look(at_s: f64, phase: &str, done: u64, total: u64) -> Look {
        Look {
            at_s,
            phase: phase.into(),
            done,
            total,
        }
    }

    #[test]
    fn the_part_done_never_falls_from_phase_to_phase() {
        let mut meter = Meter::default();
        let looks = [
            look(0.0, "waiting for writers before build", 0, 0),
            look(1.0, LOADING_PHASE, 10, 100),
            look(2.0, LOADING_PHASE, 100, 100),
            look(3.0, "waiting for writers before validation", 0, 0),
            look(4.0, "index validation: scanning index", 0, 50),
            look(5.0, "index validation: scanning table", 40, 100),
            look(6.0, "waiting for old snapshots", 0, 0),
            look(7.0, "initializing", 0, 0),
        ];
        let done: Vec<u64> = looks.iter().map(|look| meter.see(look).done).collect();
        assert!(done.is_sorted(), "{done:?}");
        assert_eq!((done[0], done[2], done[7]), (0, 950, 990));
    }

    #[test]
    fn a_scan_in_its_first_block_is_not_taken_for_finished() {
        let mut meter = Meter::default();
        assert_eq!(meter.see(&look(0.0, LOADING_PHASE, 192, 192)).done, 0);
        assert!(meter.see(&look(5.0, LOADING_PHASE, 2, 192)).done < 20);
        assert_eq!(meter.see(&look(90.0, LOADING_PHASE, 192, 192)).done, 950);
    }

    #[test]
    fn an_even_build_is_foretold_at_half_time() {
        let mut meter = Meter::default();
        let mut eta = None;
        for second in 0_u32..=50 {
            let done = u64::from(second) * 10;
            eta = meter
                .see(&look(f64::from(second), LOADING_PHASE, done, 1_000))
                .eta_s;
        }
        let eta = eta.unwrap();
        assert!((eta - 50.0).abs() < 1.0, "{eta}");
    }

    #[test]
    fn a_build_that_left_memory_is_not_promised_to_end_soon() {
        let mut meter = Meter::default();
        for second in 0_u32..=20 {
            meter.see(&look(
                f64::from(second),
                LOADING_PHASE,
                u64::from(second) * 30,
                1_000,
            ));
        }
        let mut eta = 0.0;
        for second in 21_u32..=27 {
            let done = 600 + u64::from(second - 20) * 5;
            eta = meter
                .see(&look(f64::from(second), LOADING_PHASE, done, 1_000))
                .eta_s
                .unwrap();
        }
        // 365 blocks at five a second are 73 s; the average since the start would say 14.
        assert!((60.0..90.0).contains(&eta), "{eta}");
    }
}
