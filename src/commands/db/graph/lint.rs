//! `edu db graph lint`

use super::{Invocation, Output, named, report::tell, without_ontology};
use crate::failure::{Exit, Failure, Result};
use crate::graph::lint::lint;

/// Look at the query files alone, without a server
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The AGE version they are to run on, for example 1.5 [default: any]
    #[arg(long, value_name = "VERSION")]
    age: Option<String>,
    /// How the findings are printed
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a version that is none, or a query file that cannot be read.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let version = args.age.as_deref().map(version).transpose()?;
    let queries = project.queries(&ontology)?;
    project.fixtures(&ontology, &queries)?;
    let findings: Vec<_> = queries
        .iter()
        .flat_map(|query| lint(query, &ontology, version))
        .collect();
    Ok(tell(
        invocation,
        args.output,
        &format!("queries of {}", named(&ontology)),
        &findings,
    ))
}

fn version(text: &str) -> Result<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => {
            Err(Failure::usage(format!("\"{text}\" is no version of AGE"))
                .hint("Write it like 1.5."))
        }
    }
}
