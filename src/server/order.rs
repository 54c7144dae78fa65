//! The files through which a server's starter and its guard talk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::runtime::Runtime;
use crate::failure::{Failure, Result};

/// What the guard is told to run. Written to `order.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub runtime: Runtime,
    pub account: Account,
    pub settings: Vec<(String, String)>,
    pub while_pid: Option<u32>,
    /// A folder that another server left its data in.
    #[serde(default)]
    pub copy_of: Option<PathBuf>,
}

/// Where the guard is to leave the data of a server that has ended. Written to `leave.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Leave {
    pub to: PathBuf,
}

/// What the guard tells of a server that accepts connections. Written to `ready.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    pub port: u16,
    pub password: String,
}

/// Why the guard gave up. Written to `failed.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failed {
    pub error: String,
    pub detail: Vec<String>,
    pub hint: Option<String>,
}

/// Opens a lock file, creating it if need be.
pub fn lock_file(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .read(true)
        .open(path)
        .map_err(|e| Failure::io(format!("open \"{}\"", path.display()), &e))
}

/// Writes `value` so that a reader sees all of it or none.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|e| Failure::bug(format!("could not write JSON: {e}")))?;
    super::initdb::write_private(path, &text, &Account::current())
}

pub fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}
