//! The session settings of one build: memory, processes, and why not more.

use super::machine::Machine;
use super::memory::Shape;
use crate::spec::vectors::Method;

/// The part of the free memory that builds may take together. Units: per cent.
const MEMORY_SHARE_PERCENT: u64 = 50;
/// The part of `/dev/shm` that builds may take together. Units: per cent.
const SHM_SHARE_PERCENT: u64 = 85;
/// What each process of a parallel build must have. Units: bytes. Source: `plan_create_index_workers`.
const PROCESS_BYTES_MIN: u64 = 32 << 20;
/// Below this, starting workers costs more than they save.
const PARALLEL_ROWS_MIN: u64 = 2_000;
/// More workers than this were never seen to help.
const WORKERS_MAX: u32 = 16;
/// The largest `maintenance_work_mem`. Units: bytes. Source: `MAX_KILOBYTES`.
const MEMORY_BYTES_MAX: u64 = (i32::MAX as u64) << 10;

/// What the server and the operator allow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// The server's machine.
    pub machine: Machine,
    /// Parallel builds take their memory from `/dev/shm`. Source: `dynamic_shared_memory_type`.
    pub shm_in_use: bool,
    /// The smaller of `max_parallel_workers` and `max_worker_processes`.
    pub workers_max: u32,
    /// The table's own `parallel_workers`, which no session can overrule.
    pub table_workers: Option<u32>,
    /// The server's `maintenance_work_mem`. Units: bytes.
    pub memory_default_bytes: u64,
    /// `--memory`. Units: bytes.
    pub memory_asked_bytes: Option<u64>,
    /// How many builds go on at once; at least 1.
    pub builds: u32,
}

/// The settings of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What all rows would need. Units: bytes.
    pub wanted_bytes: u64,
    /// `maintenance_work_mem`. Units: bytes.
    pub memory_bytes: u64,
    /// `max_parallel_maintenance_workers`: processes beside the first.
    pub workers: u32,
    /// After this row the build leaves memory and gets several times slower; `None`: all rows fit.
    pub spills_after: Option<u64>,
    /// What kept the settings from being larger; one sentence each.
    pub reasons: Vec<String>,
}

/// Settles memory and processes for `rows` rows.
pub fn settle(shape: &Shape, rows: u64, limits: &Limits) -> Settings {
    let mut reasons = Vec::new();
    let cap = memory_cap(limits, &mut reasons);
    let mut workers = processes(rows, limits, &mut reasons);
    let mut memory = memory_for(shape, rows, workers, limits, cap);
    while workers > 0 && memory / u64::from(workers + 1) < PROCESS_BYTES_MIN {
        let raised = PROCESS_BYTES_MIN * u64::from(workers + 1);
        if limits.memory_asked_bytes.is_none() && raised <= cap {
            memory = raised;
        } else {
            workers -= 1;
            memory = memory_for(shape, rows, workers, limits, cap);
        }
    }
    if workers > 0
        && let Some(room) = shm_room(shape, limits)
        && memory > room
    {
        let alone = memory_for(shape, rows, 0, limits, cap);
        let serial = shape.rows_that_fit(alone, false).unwrap_or(rows).min(rows);
        let parallel = shape.rows_that_fit(room, true).unwrap_or(rows).min(rows);
        if parallel >= serial && room / u64::from(workers + 1) >= PROCESS_BYTES_MIN {
            reasons.push(format!("/dev/shm has room for {}", bytes(room)));
            memory = room;
        } else {
            reasons.push(format!(
                "/dev/shm has room for {} only, so one process builds in its own memory",
                bytes(room)
            ));
            (workers, memory) = (0, alone);
        }
    }
    let fits = shape.rows_that_fit(memory, workers > 0);
    Settings {
        wanted_bytes: shape.wanted_bytes(rows, workers > 0),
        memory_bytes: memory,
        workers,
        spills_after: fits.filter(|fits| *fits < rows),
        reasons,
    }
}

fn memory_cap(limits: &Limits, reasons: &mut Vec<String>) -> u64 {
    if let Some(asked) = limits.memory_asked_bytes {
        return asked.min(MEMORY_BYTES_MAX);
    }
    let builds = u64::from(limits.builds.max(1));
    match limits.machine.memory_bytes {
        Some(free) => {
            reasons.push(format!("the machine has {} free", bytes(free)));
            (free / 100 * MEMORY_SHARE_PERCENT / builds)
                .clamp(limits.memory_default_bytes, MEMORY_BYTES_MAX)
        }
        None => {
            // Nobody can say what the machine has: four times what its operator gives every index.
            reasons.push("the machine's memory is not known (--memory sets it)".to_owned());
            (limits.memory_default_bytes * 4).clamp(256 << 20, MEMORY_BYTES_MAX)
        }
    }
}

fn memory_for(shape: &Shape, rows: u64, workers: u32, limits: &Limits, cap: u64) -> u64 {
    match limits.memory_asked_bytes {
        Some(_) => cap,
        None => shape
            .wanted_bytes(rows, workers > 0)
            .max(limits.memory_default_bytes)
            .min(cap),
    }
}

fn processes(rows: u64, limits: &Limits, reasons: &mut Vec<String>) -> u32 {
    if rows < PARALLEL_ROWS_MIN {
        return 0;
    }
    let cores = limits.machine.cores.unwrap_or(2);
    let workers = (cores / limits.builds.max(1))
        .saturating_sub(1)
        .min(WORKERS_MAX);
    if let Some(own) = limits.table_workers.filter(|own| *own < workers) {
        reasons.push(format!("the table's own parallel_workers is {own}"));
        return own.min(limits.workers_max);
    }
    if limits.workers_max < workers {
        reasons.push(format!("the server allows {} workers", limits.workers_max));
    }
    workers.min(limits.workers_max)
}

/// What one parallel build may take from `/dev/shm`; `None` where it is not used or not known.
fn shm_room(shape: &Shape, limits: &Limits) -> Option<u64> {
    let uses = limits.shm_in_use && matches!(shape.method, Method::Hnsw { .. });
    let room = limits.machine.shm_bytes.filter(|_| uses)?;
    Some(room / 100 * SHM_SHARE_PERCENT / u64::from(limits.builds.max(1)))
}

/// Roughly how long the build takes. Units: seconds. From one machine's figures: good for "seconds,
/// minutes or hours", and replaced by the measured rate as soon as the build runs.
pub fn seconds_expected(shape: &Shape, rows: u64, settings: &Settings) -> f64 {
    let dims = f64::from(shape.dims) / 768.0;
    let growth = (rows.max(2) as f64).ln() / 30_000_f64.ln();
    let per_row_ms = match shape.method {
        Method::Hnsw {
            m, ef_construction, ..
        } => {
            0.86 * (0.2 + 0.8 * f64::from(ef_construction) / 200.0)
                * (0.3 + 0.7 * f64::from(m) / 16.0)
                * (0.15 + 0.85 * dims)
                * growth
        }
        Method::Ivfflat { lists, .. } => {
            0.05 * dims * f64::from(super::memory::lists_of(lists, rows)).sqrt() / 5.0
        }
    };
    let spilled = settings.spills_after.map_or(0, |after| rows - after);
    let effort = rows as f64 + 3.0 * spilled as f64;
    effort * per_row_ms / 1_000.0 / (1.0 + 0.8 * f64::from(settings.workers))
}

/// Words a number of bytes: `512 KB`, `64 MB`, `1.5 GB`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KB", bytes.div_ceil(1 << 10)),
        1_048_576..1_073_741_824 => format!("{} MB", bytes >> 20),
        _ => format!("{:.1} GB", bytes as f64 / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::memory::Element;

    const SHAPE: Shape = Shape {
        element: Element::Vector,
        dims: 768,
        method: Method::Hnsw {
            m: 16,
            ef_construction: 200,
            ef_search: 40,
        },
    };

    fn limits() -> Limits {
        Limits {
            machine: Machine {
                memory_bytes: Some(8 << 30),
                shm_bytes: Some(4 << 30),
                cores: Some(2),
            },
            shm_in_use: true,
            workers_max: 8,
            table_workers: None,
            memory_default_bytes: 64 << 20,
            memory_asked_bytes: None,
            builds: 1,
        }
    }

    #[test]
    fn rows_that_fit_get_what_they_need_and_no_more() {
        let settings = settle(&SHAPE, 30_000, &limits());
        assert_eq!((settings.workers, settings.spills_after), (1, None));
        assert_eq!(settings.memory_bytes, settings.wanted_bytes);
        assert!(settings.memory_bytes < 130 << 20, "{settings:?}");
    }

    #[test]
    fn half_of_the_free_memory_is_shared_by_all_builds_and_a_spill_is_foreseen() {
        let settings = settle(&SHAPE, 5_000_000, &limits());
        assert!(settings.memory_bytes <= 4 << 30 && settings.spills_after.is_some());
        let two = Limits {
            builds: 2,
            ..limits()
        };
        assert!(settle(&SHAPE, 5_000_000, &two).memory_bytes <= 2 << 30);
        assert_eq!(settle(&SHAPE, 5_000_000, &two).workers, 0);
    }

    #[test]
    fn a_small_shared_memory_leads_to_one_process_that_does_not_need_it() {
        let mut limits = limits();
        limits.machine.shm_bytes = Some(64 << 20);
        let settings = settle(&SHAPE, 30_000, &limits);
        assert_eq!((settings.workers, settings.spills_after), (0, None));
        assert!(settings.reasons.iter().any(|r| r.contains("/dev/shm")));
        limits.shm_in_use = false;
        assert_eq!(settle(&SHAPE, 30_000, &limits).workers, 1);
    }

    #[test]
    fn what_the_operator_asks_for_is_given_and_workers_yield_to_it() {
        let mut limits = limits();
        limits.memory_asked_bytes = Some(16 << 20);
        let settings = settle(&SHAPE, 30_000, &limits);
        assert_eq!((settings.memory_bytes, settings.workers), (16 << 20, 0));
        assert!(settings.spills_after.is_some_and(|rows| rows < 4_500));
    }

    #[test]
    fn a_tables_own_parallel_workers_is_told() {
        let mut limits = limits();
        limits.table_workers = Some(0);
        let settings = settle(&SHAPE, 30_000, &limits);
        assert_eq!(settings.workers, 0);
        assert!(
            settings
                .reasons
                .iter()
                .any(|r| r.contains("parallel_workers"))
        );
    }

    #[test]
    fn an_unknown_machine_gets_a_modest_build() {
        let mut limits = limits();
        limits.machine = Machine::default();
        let settings = settle(&SHAPE, 5_000_000, &limits);
        assert_eq!(settings.memory_bytes, 256 << 20);
    }

    #[test]
    fn the_expected_time_is_of_the_right_size() {
        let settings = settle(&SHAPE, 30_000, &limits());
        let seconds = seconds_expected(&SHAPE, 30_000, &settings);
        assert!((7.0..30.0).contains(&seconds), "{seconds}");
    }
}
