//! The folder that backups lie in.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::record::Record;
use crate::failure::{Failure, Result};

/// Ends the name of a dump.
const EXTENSION: &str = "dump";

/// Ends the name of a dump that is being written.
const PARTIAL: &str = "partial";

/// An unfinished dump that is older is of a run that is gone.
const PARTIAL_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

const STAMP: &[FormatItem<'static>] =
    format_description!("[year][month][day]_[hour][minute][second]");

/// A folder with backups.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// A dump in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// The file.
    pub path: PathBuf,
    /// When it was taken, by its name.
    pub stamp: String,
    /// When the file was written.
    pub written: SystemTime,
}

impl Store {
    /// The folder, which need not exist.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
        }
    }

    /// Creates a file for a new dump, readable for this user alone. It gets its final name by
    /// [`Self::keep`]. Shape: the unfinished file's path and the final one.
    ///
    /// # Errors
    /// Exit 2 when the folder or file cannot be created, or a dump of this second is there.
    pub fn begin(&self, database: &str, now: OffsetDateTime) -> Result<(PathBuf, PathBuf)> {
        fs::create_dir_all(&self.folder)
            .map_err(|e| Failure::io(format!("create \"{}\"", self.folder.display()), &e))?;
        let stamp = now.format(STAMP).unwrap_or_default();
        let name = format!("{}_{stamp}.{EXTENSION}", file_name(database));
        let whole = self.folder.join(name);
        let mut partial = whole.as_os_str().to_owned();
        partial.push(format!(".{PARTIAL}"));
        let partial = PathBuf::from(partial);
        if whole.exists() {
            return Err(Failure::usage(format!("\"{}\" exists", whole.display()))
                .detail("Another backup was taken in this second.")
                .hint("Run it again."));
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .map_err(|e| Failure::io(format!("write \"{}\"", partial.display()), &e))?;
        Ok((partial, whole))
    }

    /// The unfinished and the final folder of a new base backup. The unfinished one is not created.
    ///
    /// # Errors
    /// Exit 2 when the store cannot be created, or a base backup of this second is there.
    pub fn begin_base(&self, database: &str, now: OffsetDateTime) -> Result<(PathBuf, PathBuf)> {
        fs::create_dir_all(&self.folder)
            .map_err(|e| Failure::io(format!("create \"{}\"", self.folder.display()), &e))?;
        let stamp = now.format(STAMP).unwrap_or_default();
        let whole = self
            .folder
            .join(format!("{}_{stamp}.base", file_name(database)));
        if whole.exists() {
            return Err(
                Failure::usage(format!("\"{}\" exists", whole.display())).hint("Run it again.")
            );
        }
        Ok((whole.with_extension(PARTIAL), whole))
    }

    /// Writes the record and gives the dump its name, both on disk before this returns.
    ///
    /// # Errors
    /// Exit 2; the dump has no name then.
    pub fn keep(&self, partial: &Path, whole: &Path, record: &Record) -> Result<()> {
        let failed = |e| Failure::io(format!("write \"{}\"", whole.display()), &e);
        let text = serde_json::to_string_pretty(record)
            .map_err(|e| Failure::bug(format!("could not write JSON: {e}")))?;
        let path = Record::path(whole);
        fs::write(&path, text + "\n").map_err(failed)?;
        for file in [&path, partial] {
            File::open(file)
                .and_then(|f| f.sync_all())
                .map_err(failed)?;
        }
        fs::rename(partial, whole).map_err(failed)?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }

    /// The dumps of `database`, newest first.
    ///
    /// # Errors
    /// Exit 2 when the folder cannot be read. One that is not there holds none.
    pub fn dumps(&self, database: &str) -> Result<Vec<Dump>> {
        let start = format!("{}_", file_name(database));
        let mut dumps = Vec::new();
        for path in self.files()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stamp = name
                .strip_prefix(&start)
                .and_then(|rest| rest.strip_suffix(&format!(".{EXTENSION}")))
                .filter(|stamp| is_stamp(stamp));
            if let (Some(stamp), Some(written)) = (stamp, modified(&path)) {
                dumps.push(Dump {
                    stamp: stamp.to_owned(),
                    written,
                    path: path.clone(),
                });
            }
        }
        dumps.sort_by(|a, b| b.stamp.cmp(&a.stamp));
        Ok(dumps)
    }

    /// Those of `database` that are older than `keep`, but never the newest one.
    ///
    /// # Errors
    /// As [`Self::dumps`].
    pub fn outdated(&self, database: &str, keep: Duration) -> Result<Vec<Dump>> {
        let dumps = self.dumps(database)?;
        let old = dumps
            .into_iter()
            .skip(1)
            .filter(|dump| dump.written.elapsed().is_ok_and(|age| age > keep));
        Ok(old.collect())
    }

    /// Deletes a dump and its record.
    ///
    /// # Errors
    /// Exit 2 naming the file.
    pub fn delete(&self, dump: &Dump) -> Result<()> {
        let record = Record::path(&dump.path);
        for path in [&dump.path, &record] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::io(
                        format!("delete \"{}\"", path.display()),
                        &error,
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes what killed runs left unfinished.
    pub fn sweep(&self) {
        for path in self.files().unwrap_or_default() {
            let partial = path
                .extension()
                .is_some_and(|extension| extension == PARTIAL);
            let age = modified(&path).and_then(|written| written.elapsed().ok());
            if partial && age.is_some_and(|age| age > PARTIAL_AGE_MAX) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Failure::io(
                format!("read \"{}\"", self.folder.display()),
                &error,
            )),
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

fn is_stamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 15
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 => *byte == b'_',
            _ => byte.is_ascii_digit(),
        })
}

/// A database's name as the start of a file's name.
fn file_name(database: &str) -> String {
    database
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(names: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let store = Store::at(folder.path());
        (folder, store)
    }

    #[test]
    fn dumps_of_other_databases_and_unfinished_ones_are_not_ours() {
        let (_folder, store) = store(&[
            "app_20260101_000000.dump",
            "app_20260201_000000.dump",
            "app_two_20260301_000000.dump",
            "app_20260401_000000.dump.partial",
            "app_20260501_000000.dump.json",
            "app_x.dump",
        ]);
        let stamps: Vec<String> = store
            .dumps("app")
            .unwrap()
            .into_iter()
            .map(|dump| dump.stamp)
            .collect();
        assert_eq!(stamps, ["20260201_000000", "20260101_000000"]);
    }

    #[test]
    fn the_newest_dump_is_never_outdated() {
        let (_folder, store) = store(&["app_20260101_000000.dump", "app_20260201_000000.dump"]);
        let old = store.outdated("app", Duration::ZERO).unwrap();
        assert_eq!(old.len(), 1);
        assert_eq!(old[0].stamp, "20260101_000000");
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        assert_eq!(file_name("../a/b"), "-a-b");
    }
}
