//! `edu db index advise`

use super::status::tenant_column;
use super::{Invocation, Output, Target, choose};
use crate::failure::{Exit, Result};
use crate::pg::Cancel;
use crate::pg::index::{self, Options, State, advise};
use crate::pg::session;
use crate::spec::access::Access;

/// What would serve the searches better, with figures measured on this database
///
/// Looks at ef_search, exact search, halfvec, the iterative scan for tenants of each size, and indexes
/// of large tenants. Nothing is built or changed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// How many vectors to search for
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    queries: u32,
    /// Only these indexes [default: all]
    #[arg(long = "only", value_name = "INDEX")]
    names: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`advise::advise`].
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let indexes = choose(project.vectors()?.indexes, &args.names)?;
    let access = project
        .file("spec/access.toml")
        .map(Access::read)
        .transpose()?;
    let server = invocation.server(&args.target, &project)?;
    let cancel = Cancel::default();
    let site = invocation.site(&server, &project.manifest, Options::default(), &cancel);
    let report = |progress| ui.hear(progress);
    let all = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db index advise").await?;
        let states = index::look(&mut connection, &site, &indexes).await?;
        let mut all = Vec::new();
        for (index, outcome) in indexes.iter().zip(&states) {
            if matches!(outcome.state, State::Missing | State::Invalid) {
                ui.warn(format!(
                    "{} is {}: nothing to measure",
                    index.name, outcome.state
                ));
                continue;
            }
            let tenant = tenant_column(access.as_ref(), index);
            let manifest = &project.manifest;
            all.push(advise::advise(&site, manifest, index, tenant, args.queries, &report).await?);
        }
        Ok(all)
    })?;
    match args.output {
        Output::Json => {
            let answer = serde_json::json!({ "schema": 1, "indexes": all });
            ui.answer(serde_json::to_string_pretty(&answer).unwrap_or_default());
        }
        Output::Text => {
            for advice in &all {
                ui.answer(format!("{}:", advice.name));
                for line in &advice.lines {
                    ui.answer(format!("  · {}", crate::ui::clean(line)));
                }
            }
        }
    }
    Ok(Exit::Done)
}
