//! Parses, runs, and turns the outcome into the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(edu::cli::main())
}
