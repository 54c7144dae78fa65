//! The systems: complete projects, this repository's own and those under `examples/`. Each is made by
//! the same binary, has the same life, and is counted against its own document.
//!
//! A system is one file here: a test each for [`life`], [`counted`] and [`columns`], then what its document promises.

mod columns;
mod contextinject;
mod count;
mod edusphere;
mod keep;
mod life;
mod microlearning;
mod nuclom;
mod platform;

use std::path::PathBuf;

use crate::support::{Database, Project, Run, Template, database, edu};

pub use columns::columns;
pub use count::counted;
pub use keep::keep;
pub use life::life;

/// A system by the name of its folder.
#[derive(Clone, Copy)]
pub struct System(pub &'static str);

impl System {
    /// The project's folder.
    pub fn folder(self) -> PathBuf {
        Project::of(self.0)
    }

    /// A database with structure and seed rows.
    pub fn database(self) -> Database {
        database(Template::System(self.0))
    }

    /// Runs edu in the project, on this database.
    pub fn edu(self, database: &Database, args: &[&str]) -> Run {
        edu(
            &self.folder(),
            &[args, &["--url", &database.url()]].concat(),
        )
    }
}
