//! As whom the server runs: the invoking user, or as root an unprivileged account.
//!
//! PostgreSQL refuses to run as root. Accounts come from `/etc/passwd`; modes and owners come from
//! the file system. Access control lists are not read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user id.
    pub uid: u32,
    /// The primary group's id.
    pub gid: u32,
    /// The login name, or the id where it has none.
    pub name: String,
}

impl Account {
    /// Whoever runs this process.
    pub fn current() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        let name = by_uid(uid).map_or_else(|| uid.to_string(), |account| account.name);
        Self { uid, gid, name }
    }

    /// Whom a new server runs as: the current user, or for root `postgres`, else `nobody`.
    ///
    /// # Errors
    /// Exit 2 when root has no such account to drop to.
    pub fn for_server() -> Result<Self> {
        let current = Self::current();
        if !current.is_root() {
            return Ok(current);
        }
        let accounts = passwd();
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| accounts.iter().find(|account| account.name == *name))
            .cloned()
            .ok_or_else(|| {
                Failure::usage("root has no unprivileged account to run PostgreSQL as")
                    .detail("\"/etc/passwd\" has neither \"postgres\" nor \"nobody\".")
                    .hint("Run edu as an ordinary user, or create one: useradd --system postgres")
            })
    }

    /// Whom an existing directory's server runs as: its owner, unless that is root.
    ///
    /// # Errors
    /// As [`Account::for_server`]; exit 2 when an ordinary user finds another one's directory.
    pub fn owning(data: &Path) -> Result<Self> {
        let current = Self::current();
        let Ok(meta) = data.metadata() else {
            return Self::for_server();
        };
        if current.is_root() && meta.uid() != 0 {
            return Ok(by_uid(meta.uid()).unwrap_or(Self {
                uid: meta.uid(),
                gid: meta.gid(),
                name: meta.uid().to_string(),
            }));
        }
        if !current.is_root() && meta.uid() != current.uid {
            let owner = by_uid(meta.uid()).map_or(meta.uid().to_string(), |account| account.name);
            return Err(Failure::usage(format!(
                "the data directory \"{}\" belongs to \"{owner}\", not to \"{}\"",
                data.display(),
                current.name
            ))
            .hint("Run the command as root (sudo), or move that directory away."));
        }
        Self::for_server()
    }

    /// Whether this is root.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// The first directory on the way to `path` (itself included) that this account cannot enter.
    /// Shape: `None` when nothing is in the way; what does not exist yet is not in the way.
    pub fn blocked_at(&self, path: &Path) -> Option<PathBuf> {
        if self.is_root() || self.uid == rustix::process::geteuid().as_raw() {
            return None;
        }
        let mut folders: Vec<&Path> = path.ancestors().collect();
        folders.reverse();
        folders
            .into_iter()
            .find(|folder| {
                folder
                    .metadata()
                    .is_ok_and(|meta| meta.is_dir() && !self.enters(&meta))
            })
            .map(Path::to_path_buf)
    }

    fn enters(&self, meta: &fs::Metadata) -> bool {
        let mode = meta.permissions().mode();
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }

    /// Makes `command` run as this account. The working directory becomes `/`, because the account
    /// may not be able to enter the current one.
    pub fn assume(&self, command: &mut Command) {
        command.current_dir("/");
        if rustix::process::geteuid().is_root() && !self.is_root() {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives `path` to this account, where it is not its own already.
    ///
    /// # Errors
    /// Exit 2 when the file system refuses.
    pub fn own(&self, path: &Path) -> Result<()> {
        let meta = path
            .metadata()
            .map_err(|e| Failure::io(format!("read \"{}\"", path.display()), &e))?;
        if meta.uid() == self.uid {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(|e| {
            Failure::io(
                format!(
                    "give \"{}\" to the account \"{}\"",
                    path.display(),
                    self.name
                ),
                &e,
            )
        })
    }
}

fn by_uid(uid: u32) -> Option<Account> {
    passwd().into_iter().find(|account| account.uid == uid)
}

fn passwd() -> Vec<Account> {
    parse_passwd(&fs::read_to_string("/etc/passwd").unwrap_or_default())
}

fn parse_passwd(text: &str) -> Vec<Account> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Account { uid, gid, name })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_passwd() {
        let accounts =
            parse_passwd("root:x:0:0::/root:/bin/sh\nbroken\nnobody:x:65534:65533:n:/:/x\n");
        assert_eq!(accounts.len(), 2);
        assert_eq!((accounts[1].uid, accounts[1].gid), (65534, 65533));
    }

    #[test]
    fn a_closed_directory_on_the_way_is_named() {
        let root = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let closed = root.path().join("closed");
        fs::create_dir_all(closed.join("inner")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account {
            uid: 54_321,
            gid: 54_321,
            name: "stranger".into(),
        };
        let blocked = stranger.blocked_at(&closed.join("inner/not-yet"));
        assert_eq!(blocked.as_deref(), Some(closed.as_path()));
        assert_eq!(stranger.blocked_at(root.path()), None);
    }
}
