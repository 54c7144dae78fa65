//! What is said before a build: what it needs, what it gets, and what stands in its way.

use std::time::Duration;

use super::memory::Shape;
use super::settings::{Settings, bytes, seconds_expected};
use crate::progress::human_time;

/// What is known before a build.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The index, as shown.
    pub index: String,
    /// Rows that will be indexed.
    pub rows: u64,
    /// Whether the rows were counted or are the planner's guess.
    pub rows_exact: bool,
    /// Whether the table has a page: somebody may be using it.
    pub in_use: bool,
    /// What the index is like.
    pub shape: Shape,
    /// The build's settings.
    pub settings: Settings,
    /// Free space where the server keeps its data. Units: bytes.
    pub disk_bytes: Option<u64>,
    /// Sessions that the build will wait for, one sentence each.
    pub blockers: Vec<String>,
}

impl Outlook {
    /// The announcement, one line each. An empty table needs none.
    pub fn lines(&self) -> Vec<String> {
        if self.rows == 0 {
            return Vec::new();
        }
        let settings = &self.settings;
        let about = if self.rows_exact { "" } else { "about " };
        let size = self.shape.index_bytes(self.rows);
        let seconds = seconds_expected(&self.shape, self.rows, settings);
        let took = human_time(Duration::from_secs_f64(seconds.max(0.1)));
        let processes = match settings.workers {
            0 => "1 process".to_owned(),
            workers => format!("{} processes", workers + 1),
        };
        let mut lines = vec![
            format!(
                "{}: {about}{} rows, index of about {}, roughly {took}",
                self.index,
                self.rows,
                bytes(size)
            ),
            format!(
                "  memory: {} wanted, {} given; {processes}",
                bytes(settings.wanted_bytes),
                bytes(settings.memory_bytes)
            ),
        ];
        if let Some(after) = settings.spills_after {
            lines.push(format!(
                "  warning: memory is full after about {after} rows; the rest goes several times slower ({})",
                settings.reasons.join("; ")
            ));
        } else if settings.workers == 0 && !settings.reasons.is_empty() {
            lines.push(format!("  {}", settings.reasons.join("; ")));
        }
        if let Some(free) = self.disk_bytes {
            let warn = if free < size + size / 5 {
                "warning: "
            } else {
                ""
            };
            lines.push(format!(
                "  {warn}disk: {} free where the server keeps its data",
                bytes(free)
            ));
        }
        lines.extend(
            self.blockers
                .iter()
                .map(|blocker| format!("  it will wait for {blocker}")),
        );
        lines
    }
}
