//! The tree of commands and the flags that all of them share. Nothing else.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::testdb::Ended;
use crate::commands::{self, Invocation};
use crate::config::Environment;
use crate::failure::Exit;
use crate::secret::hidden;
use crate::ui::{Ui, Verbosity};

/// Keeps PostgreSQL + Apache AGE + pgvector databases true to a spec.
#[derive(Debug, Parser)]
#[command(name = "edu", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The project's folder [default: the nearest edu.toml upwards]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub project: Option<PathBuf>,
    /// Print answers and failures only
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
    /// Print what was decided, and why, as well
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "quiet",
        help_heading = "Everywhere"
    )]
    pub verbose: bool,
    /// Show values of rows that the server's messages hold, even where CI is set
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub show_rows: bool,
    /// When to use colour: auto (in a terminal, unless NO_COLOR is set) or never
    #[arg(
        hide_possible_values = true,
        hide_default_value = true,
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Everywhere"
    )]
    pub color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// In a terminal, unless NO_COLOR is set.
    Auto,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(commands::up::Args),
    /// What is done to a database: bootstrap, migrate, verify and more
    #[command(subcommand)]
    Db(commands::db::Command),
    /// Embedded PostgreSQL on this machine: install, start, stop, inspect
    #[command(subcommand)]
    Server(commands::server::Command),
    Explain(commands::explain::Args),
    /// The container image: build it, and prove that a server is what edu.toml wants
    #[command(subcommand)]
    Image(commands::image::Command),
    /// Databases for tests: cloned from a template, leased, collected when they are left behind
    #[command(subcommand)]
    Testdb(commands::testdb::Command),
}

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 findings · 2 usage or configuration · 3 drift or pending ·
4 history conflict · 5 SQL failed, rolled back · 6 lock not obtained · 7 unreachable ·
8 refused · 9 partial, run `edu db repair` · 70 bug · 130/143 cancelled";

/// Parses the command line, runs the command, tells a failure, and returns the exit code.
/// That of `edu testdb run` is the one of the command it ran.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            tell(&error);
            return if error.use_stderr() {
                Exit::Usage as u8
            } else {
                Exit::Done as u8
            };
        }
    };
    let environment = Environment::read();
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let ui = Ui::new(
        verbosity,
        environment.no_colour || cli.global.color == Color::Never,
    )
    .hiding_rows(environment.ci && !cli.global.show_rows);
    let invocation = Invocation {
        global: cli.global,
        environment,
        ui,
    };
    let outcome = match cli.command {
        Command::Up(args) => commands::up::run(&args, &invocation),
        Command::Db(command) => commands::db::run(command, &invocation),
        Command::Explain(args) => commands::explain::run(&args, &invocation),
        Command::Server(command) => commands::server::run(command, &invocation),
        Command::Image(command) => commands::image::run(command, &invocation),
        Command::Testdb(command) => match commands::testdb::run(command, &invocation) {
            Ok(Ended::Edu(exit)) => Ok(exit),
            Ok(Ended::Command(code)) => return code,
            Err(failure) => Err(failure),
        },
    };
    outcome.unwrap_or_else(|failure| {
        invocation.ui.failure(&failure);
        failure.exit
    }) as u8
}

/// Prints what clap says. It repeats what was typed, which may be a URL in the wrong place.
fn tell(error: &clap::Error) {
    let text = error.to_string();
    let safe = hidden(&text);
    if safe == text {
        let _ = error.print();
    } else {
        Ui::new(Verbosity::Normal, true).status(safe.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_tree_of_commands_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
