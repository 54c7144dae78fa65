//! `edu db top`

use std::fmt::Write as _;
use std::time::Duration as Span;

use comfy_table::{Table, presets};
use indicatif::HumanBytes;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Result};
use crate::pg::session;
use crate::pg::top::{self, Look, Session};
use crate::progress::human_time;
use crate::sql::duration::Duration;
use crate::ui::{Key, Screen};

/// What goes on now: long and blocked sessions, slow statements, indexes, sizes, connections
///
/// One screen that renews itself until q or Ctrl-C; without a terminal, or with --once, one look. Other
/// users' queries are seen by members of pg_monitor. Slow statements need pg_stat_statements.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Look once
    #[arg(long)]
    once: bool,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "2s")]
    interval: Duration,
    /// How many entries a section has
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rows: u16,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// See [`top::look`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let server = invocation.server(&args.target, &project)?;
    let again = !args.once && args.output == Output::Text && ui.has_screen();
    let outcome = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db top").await?;
        let mut look = top::look(&mut connection, args.rows).await?;
        if !again {
            ui.answer(match args.output {
                Output::Json => {
                    let warnings: Vec<String> = look.connections.warning().into_iter().collect();
                    let answer =
                        serde_json::json!({ "schema": 1, "look": look, "warnings": warnings });
                    serde_json::to_string_pretty(&answer).unwrap_or_default()
                }
                Output::Text => crate::ui::clean(&picture(&look, usize::from(args.rows))),
            });
            return Ok(Exit::Done);
        }
        let screen = Screen::open()?;
        loop {
            screen.draw(&crate::ui::clean(&fitted(
                &look,
                args.rows,
                screen.size().0,
            )));
            match screen.key(Span::from(args.interval)).await {
                Some(Key::Leave) => return Ok(Exit::Done),
                Some(Key::Renew) | None => {}
            }
            look = top::look(&mut connection, args.rows).await?;
        }
    });
    match outcome {
        // Ctrl-C is how one leaves a screen.
        Err(failure) if again && failure.exit == Exit::Cancelled => Ok(Exit::Done),
        outcome => outcome,
    }
}

/// The picture with as many entries in each section as a screen of so many lines takes; without the lines
/// between the sections where that is not enough.
fn fitted(look: &Look, rows: u16, lines: usize) -> String {
    let mut text = String::new();
    for rows in (1..=usize::from(rows)).rev() {
        text = picture(look, rows);
        if text.lines().count() <= lines {
            return text;
        }
    }
    let close: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    close.join("\n")
}

fn picture(look: &Look, rows: usize) -> String {
    let mut text = head(look);
    let mut add = |title: &str, (header, mut all): Rows| {
        all.truncate(rows);
        section(&mut text, title, (header, all));
    };
    add(
        "Sessions at work or in a transaction",
        sessions(&look.active),
    );
    add("Sessions that wait for others", sessions(&look.blocked));
    if look.slow.absent.is_none() {
        add("Slow statements", slow(look));
    }
    add("Indexes, least used first", indexes(&look.indexes));
    add("Vector indexes", indexes(&look.vectors));
    add("Tables, largest first", tables(look));
    if let Some(why) = &look.slow.absent {
        let _ = write!(text, "\n\nSlow statements: {why}");
    }
    text
}

fn head(look: &Look) -> String {
    let (server, connections) = (&look.server, &look.connections);
    let hit = server.cache_hit.map_or(String::new(), |hit| {
        format!(", {:.1} % from cache", hit * 100.0)
    });
    let deadlocks = match server.deadlocks {
        0 => String::new(),
        1 => ", 1 deadlock".to_owned(),
        many => format!(", {many} deadlocks"),
    };
    // Packagers put their own version behind the server's.
    let version = server.version.split(' ').next().unwrap_or_default();
    let mut text = format!(
        "{} on PostgreSQL {version}, up {}: {}{hit}{deadlocks}\n\
         connections: {} of {} ({} reserved); here {}, {} active, {} idle in transaction",
        server.database,
        human_time(Span::from_secs_f64(server.up_s.max(0.0))),
        size(server.size_bytes),
        connections.used,
        connections.limit,
        connections.reserved,
        connections.here,
        connections.active,
        connections.idle_in_transaction,
    );
    if let Some(warning) = connections.warning() {
        let _ = write!(text, "\nwarning: {warning}");
    }
    text
}

fn section(text: &mut String, title: &str, (header, rows): (Vec<&str>, Vec<Vec<String>>)) {
    if rows.is_empty() {
        // One line for each that is empty, side by side with the one before.
        let between = if text.ends_with(": none") {
            "\n"
        } else {
            "\n\n"
        };
        let _ = write!(text, "{between}{title}: none");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let _ = write!(text, "\n\n{title}\n{}", table.trim_fmt());
}

type Rows = (Vec<&'static str>, Vec<Vec<String>>);

fn sessions(sessions: &[Session]) -> Rows {
    let row = |one: &Session| {
        let waits = match (one.blocked_by.as_slice(), &one.wait_event) {
            ([], Some(event)) => event.clone(),
            ([], None) => String::new(),
            (pids, _) => {
                let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
                format!("for {}", pids.join(", "))
            }
        };
        let active = one.state.as_deref() == Some("active");
        let since = if active {
            one.query_s
        } else {
            one.transaction_s
        };
        vec![
            one.pid.to_string(),
            one.user.clone().unwrap_or_default(),
            crate::failure::cut(&one.application.clone().unwrap_or_default(), 20),
            since.map_or(String::new(), |s| {
                human_time(Span::from_secs_f64(s.max(0.0)))
            }),
            one.state.clone().unwrap_or_default(),
            waits,
            query(one.query.as_deref().unwrap_or_default()),
        ]
    };
    (
        vec![
            "pid",
            "user",
            "application",
            "for",
            "state",
            "waits",
            "query",
        ],
        sessions.iter().map(row).collect(),
    )
}

fn slow(look: &Look) -> Rows {
    let row = |one: &top::Statement| {
        vec![
            one.calls.to_string(),
            format!("{:.1} ms", one.mean_ms),
            format!("{:.1} ms", one.max_ms),
            query(&one.query),
        ]
    };
    let rows = look.slow.statements.iter().map(row).collect();
    (vec!["calls", "mean", "max", "statement"], rows)
}

fn indexes(indexes: &[top::Index]) -> Rows {
    let row = |one: &top::Index| {
        let mut remark = one.method.clone().unwrap_or_default();
        if one.unique {
            remark = "unique".to_owned();
        }
        if !one.valid {
            remark = "INVALID".to_owned();
        }
        vec![
            format!("{}.{}", one.schema, one.name),
            format!("{} scans", one.scans),
            size(one.size_bytes),
            remark,
        ]
    };
    (
        vec!["index", "used", "size", ""],
        indexes.iter().map(row).collect(),
    )
}

fn tables(look: &Look) -> Rows {
    let row = |one: &top::Table| {
        vec![
            format!("{}.{}", one.schema, one.name),
            size(one.size_bytes),
            one.rows.to_string(),
            one.dead.to_string(),
            one.seq_scans.to_string(),
            one.index_scans.unwrap_or(0).to_string(),
        ]
    };
    (
        vec![
            "table",
            "size",
            "rows",
            "dead",
            "whole scans",
            "index scans",
        ],
        look.tables.iter().map(row).collect(),
    )
}

fn query(text: &str) -> String {
    crate::failure::cut(text, 60)
}

fn size(bytes: i64) -> String {
    HumanBytes(bytes.unsigned_abs()).to_string()
}
