//! Whether the cache can hold programs and run them, and how it is worded when it cannot.

use std::path::Path;

use super::WAYS_OUT;
use crate::failure::{Exit, Failure, Result, io_reason};

/// The room that an installation needs at its peak. Units: bytes.
const ROOM_BYTES: u64 = 400_000_000;

/// What to do about a cache that cannot be written.
pub(super) const WRITABLE: &str = "Set XDG_CACHE_HOME to a directory that you can write to.";

/// Refuses early what would fail late: no room, or a file system that runs no programs.
pub(super) fn check_room(folder: &Path) -> Result<()> {
    let Ok(stat) = rustix::fs::statvfs(folder) else {
        return Ok(());
    };
    if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC) {
        return Err(noexec(folder));
    }
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < ROOM_BYTES {
        return Err(
            Failure::usage("there is not enough room to install PostgreSQL")
                .detail(format!(
                    "It takes {} MB for a moment, {} MB are free at \"{}\".",
                    ROOM_BYTES / 1_000_000,
                    free / 1_000_000,
                    folder.display()
                ))
                .hint("Free some space, or set XDG_CACHE_HOME to a directory with room."),
        );
    }
    Ok(())
}

fn noexec(folder: &Path) -> Failure {
    Failure::usage(format!(
        "programs cannot be run from the cache \"{}\"",
        folder.display()
    ))
    .detail("Its file system is mounted with noexec.")
    .hint(format!(
        "Set XDG_CACHE_HOME to a directory elsewhere. {WAYS_OUT}"
    ))
}

/// Words why a program of the cache could not be started.
pub(super) fn cannot_run(folder: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return noexec(folder);
    }
    Failure::io(
        format!("run the programs in \"{}\"", folder.display()),
        error,
    )
    .hint(WAYS_OUT)
}

pub(super) fn cannot_write(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("the cache \"{}\" could not be written", folder.display()),
    )
    .detail(io_reason(error))
    .hint(WRITABLE)
}
