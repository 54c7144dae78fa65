//! `edu explain`

use super::Invocation;
use crate::explain;
use crate::failure::{Exit, Failure, Result};

/// What a code means, with an example and the way out
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A hazard or other code, for example data-loss [default: list them all]
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a code that does not exist.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let Some(code) = &args.code else {
        for topic in explain::all() {
            ui.answer(format!(
                "{:<26} {}: {}",
                topic.code, topic.kind, topic.title
            ));
        }
        return Ok(Exit::Done);
    };
    let topic = explain::find(code).ok_or_else(|| {
        let failure = Failure::usage(format!(
            "\"{code}\" explains nothing: there is no such code"
        ));
        match explain::nearest(code) {
            Some(nearest) => failure.hint(format!("Did you mean: edu explain {nearest}")),
            None => failure.hint("List them all: edu explain"),
        }
    })?;
    ui.answer(format!(
        "{} ({})\n\n{}\n{}",
        topic.code, topic.kind, topic.title, topic.consequence
    ));
    ui.answer(format!("\nFor example:\n{}", indented(topic.example)));
    ui.answer(format!("\n{}\n{}", topic.fix, indented(topic.fixed)));
    Ok(Exit::Done)
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
