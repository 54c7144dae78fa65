//! `edu db index status`

use super::{Invocation, Output, Target, choose};
use crate::failure::{Exit, Result};
use crate::pg::index::Options;
use crate::pg::index::recall::{self, Measured};
use crate::pg::index::status::{self, Status};
use crate::pg::{Cancel, session};
use crate::project::Project;
use crate::spec::access::Access;
use crate::spec::vectors::VectorIndex;
use crate::vector::recall::Recall;
use crate::vector::settings::bytes;

/// How the indexes are: valid, as declared, size, use, zero and NULL vectors; with --recall how much they find
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Measure recall@10 with N vectors of each table: over all rows, and as the application's role
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "100",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    recall: Option<u32>,
    /// Only these indexes [default: all]
    #[arg(long = "only", value_name = "INDEX")]
    names: Vec<String>,
}

/// The answer for machines.
#[derive(serde::Serialize)]
struct Answer {
    schema: u32,
    indexes: Vec<Entry>,
    pgvector: Vec<String>,
    /// Settings of the application that are not as declared.
    settings: Vec<String>,
}

#[derive(serde::Serialize)]
struct Entry {
    #[serde(flatten)]
    status: Status,
    recall_floor: Option<f64>,
    recall: Option<Measured>,
}

/// Runs the command. Exit 1 when an index is not as declared or finds too little.
///
/// # Errors
/// See [`status::look`] and [`recall::measure`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let spec = project.vectors()?;
    let scan = spec.iterative_scan;
    let indexes = choose(spec.indexes, &args.names)?;
    let access = project
        .file("spec/access.toml")
        .map(Access::read)
        .transpose()?;
    let server = invocation.server(&args.target, &project)?;
    let cancel = Cancel::default();
    let site = invocation.site(&server, &project.manifest, Options::default(), &cancel);
    let report = |progress| invocation.ui.hear(progress);
    let answer = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db index status").await?;
        let found = status::look(&mut connection, &site, &indexes).await?;
        let pgvector = status::release(&mut connection).await?;
        let roles = &project.manifest.roles;
        let login = roles.login.as_ref().or(roles.application.as_ref());
        let login = login.map(String::as_str);
        let settings = status::scanning(&mut connection, scan, login, &indexes).await?;
        let mut entries = Vec::new();
        for (status, index) in found.into_iter().zip(&indexes) {
            let mut entry = Entry {
                status,
                recall_floor: index.recall_floor,
                recall: None,
            };
            if let Some(queries) = args.recall.filter(|_| entry.status.state == "valid") {
                let tenant = tenant_column(access.as_ref(), index);
                let Project { manifest, .. } = &project;
                let measured =
                    recall::measure(&server, manifest, index, tenant, queries, &report).await?;
                let floor = index.recall_floor.unwrap_or(0.0);
                entry.status.findings.extend(measured.below(floor));
                entry.recall = Some(measured);
            }
            entries.push(entry);
        }
        Ok(Answer {
            schema: 1,
            indexes: entries,
            pgvector,
            settings,
        })
    })?;
    match args.output {
        Output::Text => tell(&answer, invocation),
        Output::Json => invocation
            .ui
            .answer(serde_json::to_string_pretty(&answer).unwrap_or_default()),
    }
    let clean = answer.settings.is_empty()
        && answer
            .indexes
            .iter()
            .all(|entry| entry.status.findings.is_empty());
    Ok(if clean { Exit::Done } else { Exit::Findings })
}

/// The column that holds the tenant in the index's table, as spec/access.toml says.
pub(super) fn tenant_column<'a>(
    access: Option<&'a Access>,
    index: &VectorIndex,
) -> Option<&'a str> {
    let table = access?
        .tables
        .iter()
        .find(|table| table.name == index.table)?;
    table.tenant.as_ref()?.direct()
}

fn tell(answer: &Answer, invocation: &Invocation) {
    let mut lines = Vec::new();
    for entry in &answer.indexes {
        let status = &entry.status;
        let verdict = match (status.state, status.findings.as_slice()) {
            ("valid", []) => "valid, as declared",
            ("valid", _) => "valid",
            (state, _) => state,
        };
        lines.push(format!("{}: {verdict}", status.name));
        if status.state == "valid" {
            let about = if status.rows_exact { "" } else { "about " };
            lines.push(format!(
                "  {}; {}, {about}{} rows, {} scans",
                status.definition,
                bytes(status.size_bytes),
                status.rows,
                status.scans
            ));
        }
        if let Some(measured) = &entry.recall {
            lines.extend(measured_lines(measured));
        }
        lines.extend(status.findings.iter().map(|text| format!("  ✗ {text}")));
        lines.extend(status.remarks.iter().map(|text| format!("  · {text}")));
    }
    lines.extend(answer.settings.iter().map(|text| format!("✗ {text}")));
    lines.extend(answer.pgvector.iter().map(|text| format!("advice: {text}")));
    for line in lines {
        invocation.ui.answer(crate::ui::clean(&line));
    }
}

fn measured_lines(measured: &Measured) -> Vec<String> {
    let words = |recall: &Recall| {
        format!(
            "recall@10 {:.3} ± {:.3}, {:.1} of {:.1} rows, {:.1} ms",
            recall.recall, recall.error, recall.returned, recall.possible, recall.took_ms
        )
    };
    let mut lines = Vec::new();
    if let Some(overall) = &measured.overall {
        lines.push(format!(
            "  all rows, {} searches: {}",
            overall.queries,
            words(overall)
        ));
    }
    for one in &measured.tenants {
        lines.push(format!(
            "  as the application, tenant {} with {:.1} % of the rows: {}",
            one.tenant.id,
            one.share * 100.0,
            words(&one.recall)
        ));
    }
    lines.extend(
        measured
            .no_tenants
            .as_ref()
            .map(|why| format!("  not measured as the application: {why}")),
    );
    lines
}
