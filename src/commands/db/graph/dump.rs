//! `edu db graph dump`

use std::fs::File;
use std::io::{BufWriter, Write};

use super::{Invocation, Target};
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::Wanted;
use crate::pg::graph::dump;
use crate::pg::session;

/// Write every vertex and edge as NDJSON, vertices first, as load reads it
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The file to write [default: standard output]
    #[arg(value_name = "FILE")]
    file: Option<String>,
    /// Write one tenant's rows, as the application sees them
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`dump::dump`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Err(Failure::usage("the project has no graph/ontology.toml"));
    };
    let server = invocation.server(&args.target, &project)?;
    let report = |progress| ui.hear(progress);
    let mut file = match &args.file {
        Some(path) => {
            let file = File::create(path)
                .map_err(|error| Failure::io(format!("write \"{path}\""), &error))?;
            Some(BufWriter::with_capacity(1 << 18, file))
        }
        None => None,
    };
    let wanted = Wanted {
        manifest: &project.manifest,
        ontology: &ontology,
    };
    let count = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db graph dump").await?;
        dump::dump(
            &mut connection,
            wanted,
            args.tenant.as_deref(),
            &report,
            |line| match &mut file {
                Some(file) => {
                    writeln!(file, "{line}").map_err(|error| Failure::io("write the dump", &error))
                }
                None => {
                    ui.answer(line);
                    Ok(())
                }
            },
        )
        .await
    })?;
    if let Some(file) = &mut file {
        file.flush()
            .map_err(|error| Failure::io("write the dump", &error))?;
    }
    ui.status(format!("{count} lines"));
    Ok(Exit::Done)
}
