//! What stands beside a dump: `NAME.dump.json`.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::{Exit, Failure, Result};
use crate::pg::backup::Stock;

/// The version of the record's form.
pub const SCHEMA: u32 = 1;

/// How much of a file is read at once. Units: bytes.
const CHUNK_BYTES: usize = 1 << 16;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the dump's snapshot was taken, RFC 3339, UTC.
    pub taken: String,
    /// edu's version.
    pub edu: String,
    /// The dump's size. Units: bytes.
    pub size_bytes: u64,
    /// The dump's SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// What the database held.
    pub stock: Stock,
}

impl Record {
    /// Where the record of `dump` stands.
    pub fn path(dump: &Path) -> PathBuf {
        let mut path = dump.as_os_str().to_owned();
        path.push(".json");
        PathBuf::from(path)
    }

    /// Reads the record of `dump`.
    ///
    /// # Errors
    /// Exit 2 when there is none or it is of another form.
    pub fn of(dump: &Path) -> Result<Self> {
        let path = Self::path(dump);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::io(format!("read \"{}\"", path.display()), &error)
                .detail("It says which roles, settings and rows the dump belongs to.")
                .hint("Keep NAME.dump and NAME.dump.json together; for a dump of another tool use pg_restore.")
        })?;
        let record: Self = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("\"{}\" is not a backup's record", path.display()))
                .detail(format!("{error}."))
                .hint("Take the file that was written with the dump.")
        })?;
        if record.schema == SCHEMA {
            return Ok(record);
        }
        Err(Failure::usage(format!(
            "\"{}\" has form {}, this edu reads {SCHEMA}",
            path.display(),
            record.schema
        ))
        .hint("Use the edu that wrote it, or a newer one."))
    }

    /// Insists that `dump` is the file this record was written for.
    ///
    /// # Errors
    /// Exit 1 when size or checksum differ: the dump is damaged.
    pub fn matches(&self, dump: &Path) -> Result<()> {
        let (size_bytes, sha256) = digest(dump)?;
        if size_bytes == self.size_bytes && sha256 == self.sha256 {
            return Ok(());
        }
        Err(
            Failure::new(Exit::Findings, format!("\"{}\" is damaged", dump.display()))
                .detail(format!(
                    "It has {size_bytes} bytes and SHA-256 {sha256}; written were {} bytes and {}.",
                    self.size_bytes, self.sha256
                ))
                .hint("Take another backup; look at the disk this one lay on."),
        )
    }
}

/// Size in bytes and SHA-256 of a file.
///
/// # Errors
/// Exit 2 when it cannot be read.
pub fn digest(path: &Path) -> Result<(u64, String)> {
    let failed = |error| Failure::io(format!("read \"{}\"", path.display()), &error);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        size_bytes += read as u64;
        hash.update(&chunk[..read]);
    }
    let digits = hash.finalize();
    let digits = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size_bytes, digits))
}
