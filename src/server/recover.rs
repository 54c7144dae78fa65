//! Point-in-time recovery of a project's cluster: a base backup takes the place of the data, and the
//! server replays archived WAL up to a moment.
//!
//! The old data is moved aside, never deleted. Source: PostgreSQL manual, "Continuous Archiving and
//! Point-in-Time Recovery".

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::cluster::{Cluster, Status};
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report};

/// What is recovered, and how far.
#[derive(Debug, Clone)]
pub struct Recovery<'a> {
    /// The base backup: a whole data directory in plain format.
    pub base: &'a Path,
    /// The folder with archived WAL.
    pub wal: &'a Path,
    /// The moment to stop at, as the server reads it; nothing for all there is.
    pub until: Option<&'a str>,
}

impl Cluster {
    /// Puts the base backup in the place of the data and says how far to replay. The server is stopped
    /// and is not started. Shape: where the old data is now, if there was any.
    ///
    /// # Errors
    /// Exit 2 when the base backup is none of this major, exit 8 while the server runs; nothing was
    /// changed then.
    pub fn prepare_recovery(
        &self,
        recovery: &Recovery<'_>,
        report: Report,
    ) -> Result<Option<PathBuf>> {
        let (base, wal) = (absolute(recovery.base)?, absolute(recovery.wal)?);
        self.recoverable(&base, &wal)?;
        let _lock = self.lock(report)?;
        if matches!(self.status(), Status::Running(_)) {
            return Err(Failure::refused("the server runs").hint("Stop it: edu server stop"));
        }
        report(Progress::stage("copying the base backup"));
        let fresh = self.beside("recovering");
        let _ = fs::remove_dir_all(&fresh);
        let copied = copy(&base, &fresh)
            .and_then(|()| own_all(&self.account, &fresh))
            .and_then(|()| aim(&fresh, &wal, recovery.until, &self.account));
        if let Err(failure) = copied {
            let _ = fs::remove_dir_all(&fresh);
            return Err(failure);
        }
        let old = self.set_aside()?;
        fs::rename(&fresh, &self.data)
            .map_err(|e| Failure::io(format!("create \"{}\"", self.data.display()), &e))?;
        report(Progress::Done);
        Ok(old)
    }

    /// Takes the old data back after a recovery that failed.
    ///
    /// # Errors
    /// Exit 2 naming what could not be moved.
    pub fn undo_recovery(&self, old: Option<&Path>) -> Result<()> {
        let Some(old) = old else { return Ok(()) };
        fs::remove_dir_all(&self.data)
            .and_then(|()| fs::rename(old, &self.data))
            .map_err(|e| Failure::io(format!("move \"{}\" back", old.display()), &e))
    }

    fn recoverable(&self, base: &Path, wal: &Path) -> Result<()> {
        let version = fs::read_to_string(base.join("PG_VERSION")).map_err(|_| {
            Failure::usage(format!("\"{}\" is no base backup", base.display()))
                .detail("It has no file PG_VERSION.")
                .hint("Take one with: edu db backup base")
        })?;
        if version.trim() != self.major.to_string() {
            return Err(Failure::usage(format!(
                "\"{}\" is of PostgreSQL {}, the cluster of {}",
                base.display(),
                version.trim(),
                self.major
            ))
            .hint("Name the major: --major"));
        }
        if let Some(closed) = self.account.blocked_at(wal) {
            return Err(Failure::usage(format!(
                "the server's account \"{}\" cannot reach \"{}\"",
                self.account.name,
                wal.display()
            ))
            .detail(format!("\"{}\" is closed to it.", closed.display())));
        }
        Ok(())
    }

    fn set_aside(&self) -> Result<Option<PathBuf>> {
        if !self.data.exists() {
            return Ok(None);
        }
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let old = self.beside(&format!("before-recovery-{}", &mark[..8]));
        fs::rename(&self.data, &old)
            .map_err(|e| Failure::io(format!("move \"{}\"", self.data.display()), &e))?;
        Ok(Some(old))
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .map_err(|e| Failure::io(format!("find \"{}\"", path.display()), &e))
}

/// Copies a tree with its permissions, sharing blocks where the file system can.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .arg(from)
        .arg(to)
        .output()
        .map_err(|e| Failure::io("run \"cp\"", &e))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::usage(format!("could not copy \"{}\"", from.display())).detail(said))
}

fn own_all(account: &Account, path: &Path) -> Result<()> {
    account.own(path)?;
    if !path.is_dir() || path.is_symlink() {
        return Ok(());
    }
    let failed = |e| Failure::io(format!("read \"{}\"", path.display()), &e);
    for entry in fs::read_dir(path).map_err(failed)? {
        own_all(account, &entry.map_err(failed)?.path())?;
    }
    Ok(())
}

/// Says where the WAL is and where to stop. Source: `recovery.signal`, since PostgreSQL 12.
fn aim(data: &Path, wal: &Path, until: Option<&str>, account: &Account) -> Result<()> {
    let auto = data.join("postgresql.auto.conf");
    let failed = |e| Failure::io(format!("write \"{}\"", data.display()), &e);
    let mut text = format!(
        "\nrestore_command = {}\nrecovery_target_action = 'promote'\n",
        quoted(&format!("cp \"{}/%f\" \"%p\"", shell(wal)?))
    );
    if let Some(until) = until {
        text.push_str(&format!("recovery_target_time = {}\n", quoted(until)));
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&auto)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(failed)?;
    fs::write(data.join("recovery.signal"), "").map_err(failed)?;
    for file in [auto, data.join("recovery.signal")] {
        account.own(&file)?;
    }
    Ok(())
}

/// A setting's value in a configuration file.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A folder's name as it may stand within double quotes of a shell command that the server runs.
///
/// # Errors
/// Exit 2 for a name with characters that mean something to the shell or to the server.
pub fn shell(folder: &Path) -> Result<String> {
    let text = folder.display().to_string();
    if text.chars().any(|c| "\"$`\\%\n".contains(c)) {
        return Err(Failure::usage(format!("the folder \"{text}\" cannot be used"))
            .detail("Its name stands in a command that the server runs, and has one of \" $ ` \\ %.")
            .hint("Use a folder with a plainer name."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_means_something_to_a_shell_is_refused() {
        assert!(shell(Path::new("/a b/c")).is_ok());
        for name in ["/a\"b", "/a$(b)", "/a`b`", "/a%f"] {
            assert!(shell(Path::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_value_is_quoted_for_the_servers_files() {
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
