//! Where things are: the cache of unpacked programs, the data directory, the sockets.
//!
//! Only decides and creates directories; it never moves or deletes anything.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::account::Account;
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report};

/// The longest socket directory that leaves room for `/.s.PGSQL.65535.lock`. Units: bytes.
const SOCKET_FOLDER_BYTES_MAX: usize = 86;

/// Where root keeps the cache when its own home is closed to the server's account.
const SYSTEM_CACHE: &str = "/var/cache/edu";

/// Where root keeps data when the project is closed to the server's account.
const SYSTEM_DATA: &str = "/var/lib/edu";

/// The directory of edu's cache: `$XDG_CACHE_HOME/edu`, else `$HOME/.cache/edu`.
///
/// # Errors
/// Exit 2 when there is no such variable, or `account` cannot enter the directory the user set.
pub fn cache(environment: &Environment, account: &Account, report: Report) -> Result<PathBuf> {
    if let Some(chosen) = &environment.cache_home {
        let cache = chosen.join("edu");
        return match account.blocked_at(&cache) {
            None => Ok(cache),
            Some(closed) => Err(unreachable(&cache, &closed, account)
                .hint("Set XDG_CACHE_HOME to a directory that it can enter, or unset it.")),
        };
    }
    let Some(home) = &environment.home else {
        return Err(Failure::usage("edu found no place for its cache")
            .detail("Neither HOME nor XDG_CACHE_HOME is set to an absolute path.")
            .hint("Set XDG_CACHE_HOME to a directory that you can write to."));
    };
    let cache = home.join(".cache/edu");
    match account.blocked_at(&cache) {
        None => Ok(cache),
        Some(closed) => {
            report(Progress::Note(format!(
                "the programs are kept in \"{SYSTEM_CACHE}\": the server's account \"{}\" cannot enter \"{}\"",
                account.name,
                closed.display()
            )));
            Ok(PathBuf::from(SYSTEM_CACHE))
        }
    }
}

/// The data directory of a project's server: `.edu/server/<major>`, or for root a system directory
/// when `account` cannot enter the project. A cluster that is already in the project wins.
///
/// # Errors
/// Exit 2 when there is a cluster in the project and `account` can no longer reach it.
pub fn data(
    root: &Path,
    name: &str,
    major: u16,
    account: &Account,
    report: Report,
) -> Result<PathBuf> {
    let inside = root.join(".edu/server").join(major.to_string());
    let outside = PathBuf::from(SYSTEM_DATA)
        .join(format!("{name}-{}", short_hash(root, 8)))
        .join(major.to_string());
    let is_cluster = |data: &Path| data.join("PG_VERSION").exists();
    let Some(closed) = account.blocked_at(&inside) else {
        // The project may have been closed when its cluster was made.
        let made_outside = is_cluster(&outside) && !is_cluster(&inside);
        return Ok(if made_outside { outside } else { inside });
    };
    if is_cluster(&inside) {
        return Err(unreachable(&inside, &closed, account)
            .hint(format!("Let it in: chmod o+x \"{}\"", closed.display())));
    }
    report(Progress::Note(format!(
        "the data is kept in \"{}\": the server's account \"{}\" cannot enter \"{}\"",
        outside.display(),
        account.name,
        closed.display()
    )));
    Ok(outside)
}

fn unreachable(wanted: &Path, closed: &Path, account: &Account) -> Failure {
    Failure::usage(format!(
        "the server's account \"{}\" cannot reach \"{}\"",
        account.name,
        wanted.display()
    ))
    .detail(format!(
        "PostgreSQL does not run as root, and \"{}\" is closed to that account.",
        closed.display()
    ))
}

/// The directory of a cluster's socket, without touching it: `$XDG_RUNTIME_DIR/edu/<hash>`, else
/// `/tmp/edu-<uid>/<hash>` when that is unset, too long or closed to `account`.
pub fn sockets(environment: &Environment, data: &Path, account: &Account) -> PathBuf {
    let hash = short_hash(data, 10);
    environment
        .runtime_dir
        .as_ref()
        .map(|runtime| runtime.join("edu").join(&hash))
        .filter(|path| path.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX)
        .filter(|path| account.blocked_at(path).is_none())
        // PostgreSQL separates several directories by commas.
        .filter(|path| !path.to_string_lossy().contains([',', '"']))
        .filter(|path| {
            path.parent()
                .and_then(Path::parent)
                .is_some_and(Path::is_dir)
        })
        .unwrap_or_else(|| {
            let uid = rustix::process::geteuid().as_raw();
            PathBuf::from(format!("/tmp/edu-{uid}")).join(hash)
        })
}

/// Creates a private directory of `account` whose parent belongs to the current user, and verifies
/// both. A symbolic link or another user's directory is never used.
///
/// # Errors
/// Exit 2 naming the directory that somebody else owns or that could not be created.
pub fn private_folder(path: &Path, account: &Account) -> Result<()> {
    let current = rustix::process::geteuid().as_raw();
    if let Some(parent) = path.parent() {
        traversable_folder(parent)?;
    }
    make(path, 0o700)?;
    let meta = lstat(path)?;
    if meta.is_dir() && meta.uid() == current {
        account.own(path)?;
    }
    owned_folder(path, account.uid, 0o700)
}

/// Creates a directory of the current user that the server's account can pass through: closed to
/// others (0700), or for root open to passing only (0711).
///
/// # Errors
/// As [`private_folder`].
pub fn traversable_folder(path: &Path) -> Result<()> {
    let uid = rustix::process::geteuid().as_raw();
    owned_folder(path, uid, if uid == 0 { 0o711 } else { 0o700 })
}

/// Creates the directory if it is missing, then insists on kind, owner and mode.
fn owned_folder(path: &Path, uid: u32, mode: u32) -> Result<()> {
    make(path, mode)?;
    let meta = lstat(path)?;
    if !meta.is_dir() || meta.uid() != uid {
        return Err(Failure::usage(format!("\"{}\" belongs to somebody else", path.display()))
            .detail(format!(
                "edu wants a directory of user {uid} there, for a socket that nobody else can reach, and found {} of user {}.",
                if meta.is_dir() { "a directory" } else { "a file or link" },
                meta.uid()
            ))
            .hint("Remove it, or set XDG_RUNTIME_DIR to a private directory."));
    }
    if meta.permissions().mode() & 0o777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|e| Failure::io(format!("set the mode of \"{}\"", path.display()), &e))?;
    }
    Ok(())
}

fn make(path: &Path, mode: u32) -> Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Failure::io(format!("create \"{}\"", path.display()), &e))
        }
        _ => Ok(()),
    }
}

fn lstat(path: &Path) -> Result<fs::Metadata> {
    path.symlink_metadata()
        .map_err(|e| Failure::io(format!("read \"{}\"", path.display()), &e))
}

/// Creates `path` and what is missing above it, open for reading to everybody, whatever the umask:
/// the server's account has to get through.
///
/// # Errors
/// Exit 2 naming the directory.
pub fn open_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        open_folder(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .map_err(|e| Failure::io(format!("set the mode of \"{}\"", path.display()), &e)),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Failure::io(format!("create \"{}\"", path.display()), &e)),
    }
}

/// The first `digits` hex digits of the path's SHA-256.
pub fn short_hash(path: &Path, digits: usize) -> String {
    use std::os::unix::ffi::OsStrExt;
    let sum = Sha256::digest(path.as_os_str().as_bytes());
    let mut hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(digits);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::silent;

    fn stranger() -> Account {
        Account {
            uid: 54_321,
            gid: 54_321,
            name: "stranger".into(),
        }
    }

    #[test]
    fn a_long_runtime_directory_is_not_used_for_sockets() {
        let long = tempfile::Builder::new()
            .prefix(&"x".repeat(80))
            .tempdir_in("/tmp")
            .unwrap();
        let environment = Environment {
            runtime_dir: Some(long.path().into()),
            ..Environment::default()
        };
        let path = sockets(&environment, Path::new("/data"), &Account::current());
        assert!(path.starts_with("/tmp") && !path.starts_with(long.path()));
        assert!(path.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX);
    }

    #[test]
    fn a_link_is_not_taken_for_a_socket_directory() {
        let home = tempfile::tempdir_in("/tmp").unwrap();
        let elsewhere = tempfile::tempdir_in("/tmp").unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        let failure = private_folder(&link, &Account::current()).unwrap_err();
        assert!(
            failure.error.contains("belongs to somebody else"),
            "{failure}"
        );
    }

    #[test]
    fn a_cache_that_the_user_set_and_the_account_cannot_enter_is_an_error_naming_the_directory() {
        if !Account::current().is_root() {
            return;
        }
        let closed = tempfile::tempdir_in("/tmp").unwrap();
        let environment = Environment {
            cache_home: Some(closed.path().join("sub")),
            ..Environment::default()
        };
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let failure = cache(&environment, &stranger(), &silent).unwrap_err();
        assert!(
            failure.detail[0].contains(closed.path().to_str().unwrap()),
            "{failure}"
        );
    }

    #[test]
    fn data_of_a_closed_project_goes_to_a_system_directory_with_a_note() {
        if !Account::current().is_root() {
            return;
        }
        let closed = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let path = data(closed.path(), "shop", 17, &stranger(), &silent).unwrap();
        assert!(
            path.starts_with("/var/lib/edu") && path.ends_with("17"),
            "{path:?}"
        );
    }
}
