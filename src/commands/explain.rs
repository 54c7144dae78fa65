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
            let first = topic.meaning.lines().next().unwrap_or_default();
            ui.answer(format!("{:<32} {}: {first}", topic.code, topic.kind));
        }
        return Ok(Exit::Done);
    };
    let topics = explain::find(code);
    if topics.is_empty() {
        let failure = Failure::usage(format!(
            "\"{code}\" explains nothing: there is no such code"
        ));
        return Err(match explain::nearest(code) {
            Some(nearest) => failure.hint(format!("Did you mean: edu explain {nearest}")),
            None => failure.hint("List them all: edu explain"),
        });
    }
    for topic in topics {
        tell(&topic, invocation);
    }
    Ok(Exit::Done)
}

fn tell(topic: &explain::Topic, invocation: &Invocation) {
    let ui = &invocation.ui;
    ui.answer(format!(
        "{} ({})\n\n{}",
        topic.code, topic.kind, topic.meaning
    ));
    if !topic.example.is_empty() {
        ui.answer(format!("\nFor example:\n{}", indented(topic.example)));
    }
    if !topic.fix.is_empty() {
        ui.answer(format!("\n{}", topic.fix));
    }
    if !topic.fixed.is_empty() {
        ui.answer(indented(topic.fixed));
    }
    ui.answer("");
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
