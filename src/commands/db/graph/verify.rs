//! `edu db graph verify`

use super::{Invocation, Output, Target, named, report::tell, without_ontology};
use crate::failure::{Exit, Result};
use crate::graph::compare::Wanted;
use crate::graph::lint::lint;
use crate::pg::graph::prove::{self, Over};
use crate::pg::graph::verify;
use crate::pg::session;

/// Say whether the graph is as graph/ontology.toml declares it, and whether its queries keep their promises
///
/// Looks at the catalogs, in a read-only transaction, and plans every declared query as the application.
/// With --prove also over synthetic rows and fixtures, in transactions that are rolled back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Also plan over synthetic rows and run the fixtures; writes, and rolls back
    #[arg(long)]
    prove: bool,
    /// How the findings are printed
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// See [`verify::structure`] and [`prove::plans`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Ok(without_ontology(invocation));
    };
    let queries = project.queries(&ontology)?;
    let fixtures = project.fixtures(&ontology, &queries)?;
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| invocation.ui.hear(progress);
    let findings = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db graph verify").await?;
        let connection = &mut connection;
        let wanted = Wanted {
            manifest: &project.manifest,
            ontology: &ontology,
        };
        let structure = verify::structure(connection, wanted).await?;
        let mut findings = structure.findings;
        for query in &queries {
            findings.extend(lint(query, &ontology, Some(structure.version)));
        }
        if structure.complete {
            findings
                .extend(prove::plans(connection, wanted, &queries, Over::Stored, &report).await?);
        }
        if args.prove && structure.complete {
            findings.extend(
                prove::plans(connection, wanted, &queries, Over::Synthetic, &report).await?,
            );
            findings.extend(prove::fixtures(connection, wanted, &queries, &fixtures).await?);
        }
        Ok(findings)
    })?;
    Ok(tell(invocation, args.output, &named(&ontology), &findings))
}
