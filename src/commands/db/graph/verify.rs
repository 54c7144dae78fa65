//! `edu db graph verify`

use super::{Invocation, Output, Target, named, report::tell, without_ontology};
use crate::failure::{Exit, Result};
use crate::pg::graph::verify;
use crate::pg::session;

/// Say whether the graph is as graph/ontology.toml declares it, and what this AGE version gets wrong
///
/// Looks at the catalogs alone, in a read-only transaction.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How the findings are printed
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// See [`verify::structure`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let server = invocation.server(&args.target, &project)?;
    let findings = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db graph verify").await?;
        verify::structure(&mut connection, &project.manifest, &ontology).await
    })?;
    Ok(tell(invocation, args.output, &named(&ontology), &findings))
}
