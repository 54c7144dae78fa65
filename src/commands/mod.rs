//! One path = one command. Each is read → decide → act → tell; none imports another.

pub mod server;

use crate::cli::Global;
use crate::config::Environment;
use crate::ui::Ui;

/// What every command gets: the shared flags, the environment and the printer.
pub struct Invocation {
    /// The flags that every command takes.
    pub global: Global,
    /// The environment, read once.
    pub environment: Environment,
    /// The printer.
    pub ui: Ui,
}
