//! Turns downloaded packages into a tree of programs and libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::WAYS_OUT;
use super::apt::Tools;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};

/// Unpacks with a few `dpkg-deb` at a time: decompression is the work.
pub(super) fn unpack(
    tools: &Tools,
    archives: &[PathBuf],
    tree: &Path,
    report: Report,
) -> Result<()> {
    report(Progress::counted(
        "unpacking packages",
        archives.len() as u64,
        Unit::Items,
    ));
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || -> Result<()> {
        while let Some(archive) = archives.get(next.fetch_add(1, Ordering::Relaxed)) {
            unpack_one(tools, archive, tree)?;
            report(Progress::At(done.fetch_add(1, Ordering::Relaxed) + 1));
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(Failure::bug("unpacking panicked")))
            })
            .collect::<Result<Vec<()>>>()
    })?;
    report(Progress::Done);
    Ok(())
}

fn unpack_one(tools: &Tools, archive: &Path, tree: &Path) -> Result<()> {
    let output = Command::new(&tools.dpkg_deb)
        .arg("--extract")
        .args([archive, tree])
        .env("LC_ALL", "C")
        .output()
        .map_err(|e| Failure::io("run dpkg-deb", &e))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    Err(if stderr.contains("No space left on device") {
        Failure::usage(format!("the disk was full while \"{name}\" was unpacked"))
            .hint("Free 400 MB, or set XDG_CACHE_HOME to a directory with room.")
    } else {
        Failure::usage(format!("the package \"{name}\" could not be unpacked")).hint(WAYS_OUT)
    }
    .detail(stderr))
}

/// Removes what a running server never reads: documentation, translations, bitcode.
pub(super) fn trim(tree: &Path, major: u16) {
    let share = tree.join("usr/share");
    for entry in fs::read_dir(&share).into_iter().flatten().flatten() {
        if entry.file_name() != "postgresql" {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    for sub in ["bitcode", "pgxs"] {
        let _ = fs::remove_dir_all(tree.join(format!("usr/lib/postgresql/{major}/lib/{sub}")));
    }
}

/// `name_version` of an archive's file name.
pub(super) fn package_name(archive: &Path) -> Option<String> {
    let stem = archive.file_stem()?.to_str()?;
    let (name, _architecture) = stem.rsplit_once('_')?;
    Some(name.replace("%3a", ":"))
}
