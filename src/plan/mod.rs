//! The plan: which migrations a run would apply, what each of their statements would do to the database as
//! it is now, and whether the run may begin.
//!
//! A plan is a value. The same one is printed, written to a file, and compared with the one that a later
//! run makes for itself. It asks no server and reads no file: [`facts`] come from outside.

pub mod adopt;
mod draw;
pub mod facts;
mod guard;
mod judge;

use serde::{Deserialize, Serialize};

use crate::sql::hazard::Hazard;
use crate::sql::lock::{Blocks, LockLevel};

pub use draw::{Pending, Possible, WHATEVER, WHEN_CALLED, draw, needed, possible, shortened};
pub use guard::human_bytes;

/// The version of the plan's form.
pub const FORMAT: u32 = 1;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form.
    pub format: u32,
    /// The version of edu that made it.
    pub edu: String,
    /// The database's name.
    pub database: String,
    /// The server's major.
    pub major: u16,
    /// What must not have changed when the plan is carried out.
    pub made_for: Fingerprint,
    /// The migrations, in the order they would run.
    pub migrations: Vec<Planned>,
}

/// What a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of the schema history.
    pub history: String,
    /// Of the structure of every relation that the plan's statements name.
    pub relations: String,
}

/// One migration that would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// The file's path.
    pub path: String,
    /// SHA-256 of the file's text.
    pub checksum: String,
    /// It runs in one transaction.
    pub transactional: bool,
    /// Older than the last applied migration.
    pub out_of_order: bool,
    /// The role that runs it, if the file names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What its statements do.
    pub statements: Vec<PlannedStatement>,
    /// Allowances that no statement of the file needs.
    pub unused_allowances: Vec<String>,
    /// What it does to access, where that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<PlannedAccess>,
}

/// What a migration does to one access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAccess {
    /// Whose.
    pub role: String,
    /// To what.
    pub object: String,
    /// The command or privilege.
    pub command: String,
    /// "unchanged", "narrowed", "widened" or "not provable".
    pub change: String,
    /// Which rows, or why it is not provable; may be empty.
    pub what: String,
    /// The reason the file gives for taking it on.
    pub allowed: Option<String>,
    /// It keeps the run from beginning.
    pub stops: bool,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStatement {
    /// The line it starts at. Units: counts from 1.
    pub line: usize,
    /// Its beginning, on one line.
    pub text: String,
    /// What it does; empty when it touches no relation.
    pub effects: Vec<PlannedEffect>,
}

/// One effect of a statement on one relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEffect {
    /// The kind of statement or action.
    pub action: String,
    /// The relation, qualified where that is known.
    pub relation: Option<String>,
    /// The lock, unless the relation is new.
    pub lock: Option<LockLevel>,
    /// Whom the lock keeps waiting.
    pub blocks: Blocks,
    /// The work done under the lock.
    pub work: Doing,
    /// The relation's size now. Units: bytes.
    pub bytes: Option<u64>,
    /// The relation's rows now, estimated.
    pub rows: Option<u64>,
    /// What can go wrong.
    pub hazards: Vec<PlannedHazard>,
}

/// The work that a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Changes the catalogs only.
    Brief,
    /// Reads every row.
    Scan,
    /// Writes every row anew.
    Rewrite,
    /// Builds an index.
    Build,
    /// Changes rows in place.
    Rows,
}

/// A hazard that a statement has here and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHazard {
    /// Which.
    pub id: Hazard,
    /// What it means for this relation.
    pub message: String,
    /// The reason the file gives for taking it on.
    pub allowed: Option<String>,
    /// It keeps the run from beginning.
    pub stops: bool,
}

impl Plan {
    /// Every hazard with where it is: path, line.
    pub fn hazards(&self) -> impl Iterator<Item = (&str, usize, &PlannedHazard)> {
        self.migrations.iter().flat_map(|migration| {
            migration.statements.iter().flat_map(move |statement| {
                let hazards = statement.effects.iter().flat_map(|effect| &effect.hazards);
                hazards.map(move |hazard| (migration.path.as_str(), statement.line, hazard))
            })
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
