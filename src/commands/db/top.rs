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

/// What goes on now: long and blocked sessions, slow statements, indexes, sizes, connections
///
/// One screen that renews itself until Ctrl-C; without a terminal, or with --once, one look. Other
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
        loop {
            let look = top::look(&mut connection, args.rows).await?;
            if args.output == Output::Json {
                let answer = serde_json::json!({ "schema": 1, "look": look });
                ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
                return Ok(Exit::Done);
            }
            let text = crate::ui::clean(&picture(&look));
            if !again {
                ui.answer(text);
                return Ok(Exit::Done);
            }
            ui.screen(&text);
            tokio::time::sleep(Span::from(args.interval)).await;
        }
    });
    match outcome {
        // Ctrl-C is how one leaves a screen.
        Err(failure) if again && failure.exit == Exit::Cancelled => Ok(Exit::Done),
        outcome => outcome,
    }
}

fn picture(look: &Look) -> String {
    let mut text = head(look);
    section(
        &mut text,
        "Sessions at work or in a transaction",
        sessions(&look.active),
    );
    section(
        &mut text,
        "Sessions that wait for others",
        sessions(&look.blocked),
    );
    match &look.slow.absent {
        Some(why) => {
            let _ = write!(text, "\n\nSlow statements\n  {why}");
        }
        None => section(&mut text, "Slow statements", slow(look)),
    }
    section(
        &mut text,
        "Indexes, least used first",
        indexes(&look.indexes),
    );
    section(&mut text, "Vector indexes", indexes(&look.vectors));
    section(&mut text, "Tables, largest first", tables(look));
    text
}

fn head(look: &Look) -> String {
    let (server, connections) = (&look.server, &look.connections);
    let hit = server.cache_hit.map_or(String::new(), |hit| {
        format!(", {:.1} % from cache", hit * 100.0)
    });
    format!(
        "{} on PostgreSQL {}, up {}: {}{hit}, {} deadlocks\n\
         connections: {} of {} ({} reserved); here {}, {} active, {} idle in a transaction",
        server.database,
        server.version,
        human_time(Span::from_secs_f64(server.up_s.max(0.0))),
        size(server.size_bytes),
        server.deadlocks,
        connections.used,
        connections.limit,
        connections.reserved,
        connections.here,
        connections.active,
        connections.idle_in_transaction,
    )
}

fn section(text: &mut String, title: &str, (header, rows): (Vec<&str>, Vec<Vec<String>>)) {
    if rows.is_empty() {
        let _ = write!(text, "\n\n{title}: none");
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
