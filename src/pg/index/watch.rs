//! Watching builds from a second connection: phase, blocks, rate, time left, and who holds them up.
//!
//! One watcher looks at all builds of a run with one query. It also tells the server to break them
//! off, when the user asks for it or a wait takes too long. Source: `pg_stat_progress_create_index`.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::Site;
use super::notice::Notices;
use crate::progress::{Progress, Report, Unit, human_time};
use crate::vector::meter::{Look, Meter, Reading, WHOLE};

/// How often the watcher looks.
const PERIOD: Duration = Duration::from_millis(250);

/// The builds that go on.
#[derive(Debug, Default)]
pub struct Board {
    builds: RefCell<Vec<Build>>,
    title: RefCell<String>,
}

/// One build on the board.
#[derive(Debug)]
struct Build {
    pid: i32,
    what: String,
    phase: String,
    begun: Instant,
    notices: Notices,
    meter: Meter,
    reading: Option<Reading>,
    words: String,
    blocker: Option<(i32, Instant)>,
    stopped: bool,
    gave_up: Option<String>,
}

impl Board {
    /// Puts a build on the board; `what` is shown.
    pub fn enter(&self, pid: i32, what: &str, notices: &Notices) {
        self.builds.borrow_mut().push(Build {
            pid,
            what: what.to_owned(),
            phase: String::new(),
            begun: Instant::now(),
            notices: notices.clone(),
            meter: Meter::default(),
            reading: None,
            words: String::new(),
            blocker: None,
            stopped: false,
            gave_up: None,
        });
    }

    /// Takes a build off the board. Shape: for whom it waited too long, if that ended it.
    pub fn leave(&self, pid: i32, report: Report<'_>) -> Option<String> {
        let mut builds = self.builds.borrow_mut();
        let at = builds.iter().position(|build| build.pid == pid)?;
        let build = builds.remove(at);
        tell_notices(&build, report);
        if builds.is_empty() {
            self.title.borrow_mut().clear();
            report(Progress::Done);
        }
        build.gave_up
    }

    fn pids(&self) -> Vec<i32> {
        self.builds.borrow().iter().map(|build| build.pid).collect()
    }
}

/// Watches until it is dropped.
pub async fn watch(site: &Site<'_>, board: &Board, report: Report<'_>) {
    let mut connection: Option<PgConnection> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = site.cancel.wished(), if !all_stopped(board) => {}
        }
        let pids = board.pids();
        if pids.is_empty() {
            continue;
        }
        if connection.is_none() {
            // The builds go on without a watcher; the next round tries again.
            connection = site.server.connect("edu db index (watching)").await.ok();
        }
        let Some(live) = connection.as_mut() else {
            continue;
        };
        let looked = look(live, &pids).await;
        let Ok(rows) = looked else {
            connection = None;
            continue;
        };
        for row in &rows {
            take_in(site, board, row, report);
        }
        show(board, report);
        if stop_some(site, board, live).await.is_err() {
            connection = None;
        }
    }
}

async fn look(connection: &mut PgConnection, pids: &[i32]) -> sqlx::Result<Vec<PgRow>> {
    sqlx::query(
        "SELECT w.pid AS builder, p.phase, COALESCE(p.blocks_done, 0) AS done,
                COALESCE(p.blocks_total, 0) AS total, b.pid, b.application_name,
                b.usename::text AS usename, b.state, b.query,
                extract(epoch FROM pg_catalog.clock_timestamp() - b.xact_start)::float8 AS age
         FROM pg_catalog.unnest($1::int4[]) AS w(pid)
         LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = w.pid
         LEFT JOIN pg_catalog.pg_stat_activity b
                ON b.pid = (pg_catalog.pg_blocking_pids(w.pid))[1]",
    )
    .bind(pids)
    .fetch_all(connection)
    .await
}

fn take_in(site: &Site<'_>, board: &Board, row: &PgRow, report: Report<'_>) {
    let mut builds = board.builds.borrow_mut();
    let pid: i32 = row.get("builder");
    let Some(build) = builds.iter_mut().find(|build| build.pid == pid) else {
        return;
    };
    tell_notices(build, report);
    let phase: Option<String> = row.get("phase");
    let count = |name: &str| row.get::<i64, _>(name).unsigned_abs();
    let look = Look {
        at_s: build.begun.elapsed().as_secs_f64(),
        phase: phase.unwrap_or_else(|| "starting".to_owned()),
        done: count("done"),
        total: count("total"),
    };
    let reading = build.meter.see(&look);
    build.words = words(&look, &reading);
    build.phase = short(&look.phase).to_owned();
    build.reading = Some(reading);
    let Some(blocker) = row.get::<Option<i32>, _>("pid") else {
        build.blocker = None;
        return;
    };
    let who = session_words(row);
    let since = match build.blocker {
        Some((known, since)) if known == blocker => since,
        _ => {
            report(Progress::Note(format!("{} waits for {who}", build.what)));
            Instant::now()
        }
    };
    build.blocker = Some((blocker, since));
    build.words = format!("waiting for {who}");
    if site
        .options
        .max_wait
        .is_some_and(|limit| since.elapsed() >= limit)
    {
        build.gave_up = Some(who);
    }
}

fn words(look: &Look, reading: &Reading) -> String {
    let mut words = Vec::new();
    if look.total > 0 {
        words.push(format!("{} of {} blocks", reading.blocks, look.total));
    }
    if let Some(rate) = reading.rate {
        words.push(format!("{rate:.0} blocks/s"));
    }
    if let Some(eta) = reading.eta_s {
        let eta = human_time(Duration::from_secs_f64(eta.clamp(0.0, 1e7)));
        words.push(format!("about {eta} left"));
    }
    words.join(", ")
}

/// The server's phase without what is the same in most of them.
fn short(phase: &str) -> &str {
    phase.strip_prefix("building index: ").unwrap_or(phase)
}

/// Words one row of `pg_stat_activity`: pid, application, user, what it does and since when.
pub(super) fn session_words(row: &PgRow) -> String {
    let text = |name: &str| row.get::<Option<String>, _>(name).unwrap_or_default();
    let age = row
        .get::<Option<f64>, _>("age")
        .map(|age| format!(" for {}", human_time(Duration::from_secs_f64(age.max(0.0)))));
    let query: String = text("query")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let query: String = query.chars().take(60).collect();
    format!(
        "session {} (application \"{}\", user \"{}\", {}{}, last: {query})",
        row.get::<i32, _>("pid"),
        text("application_name"),
        text("usename"),
        text("state"),
        age.unwrap_or_default(),
    )
}

fn tell_notices(build: &Build, report: Report<'_>) {
    for notice in build.notices.take() {
        report(Progress::Note(format!(
            "{}: the server says: {notice}",
            build.what
        )));
    }
}

/// One build is shown in full, each phase as a stage of its own; several as their common progress.
fn show(board: &Board, report: Report<'_>) {
    let builds = board.builds.borrow();
    let Some(first) = builds.first() else { return };
    let title = match builds.len() {
        1 => format!("building {}: {}", first.what, first.phase),
        count => format!("building {count} indexes"),
    };
    if *board.title.borrow() != title {
        board.title.borrow_mut().clone_from(&title);
        report(Progress::counted(title, WHOLE, Unit::Permille));
    }
    let done: u64 = builds
        .iter()
        .map(|build| build.reading.as_ref().map_or(0, |reading| reading.done))
        .sum();
    report(Progress::At(done / builds.len() as u64));
    let detail = match builds.len() {
        1 => first.words.clone(),
        _ => builds
            .iter()
            .map(|build| format!("{}: {} {}", build.what, build.phase, build.words))
            .collect::<Vec<_>>()
            .join("; "),
    };
    report(Progress::Detail(detail));
}

fn all_stopped(board: &Board) -> bool {
    board.builds.borrow().iter().all(|build| build.stopped)
}

/// Tells the server to break off what is to end.
async fn stop_some(
    site: &Site<'_>,
    board: &Board,
    connection: &mut PgConnection,
) -> sqlx::Result<()> {
    let asked = site.cancelled().is_some();
    let pids: Vec<i32> = board
        .builds
        .borrow_mut()
        .iter_mut()
        .filter(|build| !build.stopped && (asked || build.gave_up.is_some()))
        .map(|build| {
            build.stopped = true;
            build.pid
        })
        .collect();
    for pid in pids {
        sqlx::query("SELECT pg_catalog.pg_cancel_backend($1)")
            .bind(pid)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
