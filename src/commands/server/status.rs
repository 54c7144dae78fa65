//! `edu server status`.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Tell, Which, cluster};
use crate::commands::Invocation;
use crate::failure::{Exit, Failure, Result};
use crate::progress::silent;
use crate::server::cluster::SUPERUSER;
use crate::server::runtime::Origin;
use crate::server::{Cluster, Runtime, Status};

/// Tell what runs, from which programs and why; exit 0 running, 3 not running
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The form of the answer
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

/// The answer. Its JSON form is versioned.
#[derive(Debug, Serialize)]
struct Answer {
    version: u32,
    major: u16,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    programs: Option<Programs>,
    data: String,
    account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
}

#[derive(Debug, Serialize)]
struct Programs {
    bin: String,
    origin: &'static str,
    why: String,
    age: Option<String>,
    vector: Option<String>,
}

#[derive(Debug, Serialize)]
struct Server {
    pid: i32,
    port: u16,
    sockets: String,
    started: String,
    uptime_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Prints the status.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let home = invocation.home()?;
    let cluster = cluster(&home, &args.which, invocation, Tell::Nothing)?;
    let runtime = Runtime::find(
        &invocation.environment,
        cluster.major,
        &home.manifest.needs(),
        &silent,
    )?;
    let status = cluster.status();
    let answer = answer(&cluster, runtime.as_ref(), &status, &home.manifest.database);
    invocation.ui.answer(match args.output {
        Form::Text => text(&answer),
        Form::Json => serde_json::to_string_pretty(&answer)
            .map_err(|e| Failure::bug(format!("could not write JSON: {e}")))?,
    });
    Ok(match status {
        Status::Running(_) => Exit::Done,
        _ => Exit::Drift,
    })
}

fn answer(cluster: &Cluster, runtime: Option<&Runtime>, status: &Status, database: &str) -> Answer {
    Answer {
        version: 1,
        major: cluster.major,
        state: match status {
            Status::Absent => "absent",
            Status::Stopped => "stopped",
            Status::Running(found) if found.ready => "running",
            Status::Running(_) => "starting or stopping",
        },
        programs: runtime.map(programs),
        data: cluster.data.display().to_string(),
        account: cluster.account.name.clone(),
        server: match status {
            Status::Running(found) => Some(Server {
                pid: found.pid,
                port: found.port,
                sockets: found.sockets.display().to_string(),
                started: moment(found.started_epoch_s),
                uptime_s: since(found.started_epoch_s),
                url: cluster.url(database, SUPERUSER).ok(),
            }),
            _ => None,
        },
    }
}

fn programs(runtime: &Runtime) -> Programs {
    Programs {
        bin: runtime.bin.display().to_string(),
        origin: match runtime.origin {
            Origin::Chosen => "chosen",
            Origin::Installed => "installed",
            Origin::Unpacked(_) => "unpacked",
        },
        why: runtime.why.clone(),
        age: runtime.extension_version("age"),
        vector: runtime.extension_version("vector"),
    }
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![(
        "server",
        format!("PostgreSQL {}, {}", answer.major, answer.state),
    )];
    match &answer.programs {
        Some(programs) => {
            lines.push(("programs", format!("{} ({})", programs.bin, programs.why)));
            let version =
                |found: &Option<String>| found.clone().unwrap_or_else(|| "absent".to_owned());
            lines.push((
                "extensions",
                format!(
                    "age {}, vector {}",
                    version(&programs.age),
                    version(&programs.vector)
                ),
            ));
        }
        None => lines.push((
            "programs",
            "none yet; fetch them: edu server install".to_owned(),
        )),
    }
    lines.push(("data", answer.data.clone()));
    lines.push(("account", answer.account.clone()));
    if let Some(server) = &answer.server {
        lines.push(("process", server.pid.to_string()));
        lines.push(("port", server.port.to_string()));
        lines.push(("socket", server.sockets.clone()));
        lines.push((
            "started",
            format!("{} ({} s ago)", server.started, server.uptime_s),
        ));
        lines.extend(server.url.clone().map(|url| ("url", url)));
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(name, value)| format!("{name:<11} {value}"))
        .collect();
    lines.join("\n")
}

fn moment(epoch_s: u64) -> String {
    i64::try_from(epoch_s)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

fn since(epoch_s: u64) -> u64 {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    u64::try_from(now).unwrap_or(0).saturating_sub(epoch_s)
}
