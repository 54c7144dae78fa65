//! Fetches, unpacks and proves the package set, atomically and once for all processes.
//!
//! A folder of the cache counts as installed when its marker names the folder itself: the marker is
//! written last, so whatever a killed process leaves behind has none and is done again. A moved
//! cache is told by the marker's path and patched again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::apt::{self, Apt, Tools, Wanted};
use super::elf::{self, Architecture};
use super::mirror::Mirror;
use super::{WAYS_OUT, place};
use crate::config::Environment;
use crate::failure::{Exit, Failure, Result, io_reason};
use crate::progress::{Progress, Report, Unit};

/// Debian's testing release: the source of PostgreSQL 18.
pub const TESTING: &str = "forky";

/// Debian's stable release: the source of PostgreSQL 17.
const STABLE: &str = "trixie";

/// The room that an installation needs at its peak. Units: bytes.
const ROOM_BYTES: u64 = 400_000_000;

/// The layout of an installed folder; another number in a marker means "install again".
const FORMAT: u32 = 1;

const MARKER: &str = "edu-runtime.json";

/// What the marker says of an installed folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    format: u32,
    /// Where the folder was when its programs were patched.
    pub path: PathBuf,
    /// The Debian release it came from.
    pub suite: String,
    /// The packages, as `name_version`. Shape: sorted.
    pub packages: Vec<String>,
}

/// One PostgreSQL major's place in the cache.
#[derive(Debug, Clone)]
pub struct Site {
    /// The folder, there or not.
    pub folder: PathBuf,
    major: u16,
    suite: &'static str,
    architecture: Architecture,
}

impl Site {
    /// The place of `major` under the cache.
    ///
    /// # Errors
    /// Exit 2 for an architecture or a major without packages.
    pub fn new(cache: &Path, major: u16) -> Result<Self> {
        let architecture = Architecture::named(std::env::consts::ARCH)?;
        let suite = match major {
            17 => STABLE,
            18 => TESTING,
            _ => {
                return Err(Failure::usage(format!(
                    "Debian has no packages of PostgreSQL {major} with AGE for edu to install"
                ))
                .detail("edu installs 17 (Debian stable) and 18 (Debian testing).")
                .hint(format!("Take another major (--major 17). {WAYS_OUT}")));
            }
        };
        // A linked cache is taken by its real path: that is what the marker compares.
        let cache = cache.canonicalize().unwrap_or_else(|_| cache.to_path_buf());
        let folder = cache
            .join("runtime")
            .join(format!("{major}-{}", architecture.debian));
        Ok(Self {
            folder,
            major,
            suite,
            architecture,
        })
    }

    /// The folder of the programs.
    pub fn bin(&self) -> PathBuf {
        self.folder
            .join(format!("usr/lib/postgresql/{}/bin", self.major))
    }

    /// The marker, if the folder is installed and has not been moved.
    pub fn installed(&self) -> Option<Marker> {
        self.marker().filter(|marker| marker.path == self.folder)
    }

    fn marker(&self) -> Option<Marker> {
        let text = fs::read_to_string(self.folder.join(MARKER)).ok()?;
        let marker: Marker = serde_json::from_str(&text).ok()?;
        (marker.format == FORMAT).then_some(marker)
    }

    fn write_marker(&self, suite: &str, packages: Vec<String>) -> Result<Marker> {
        let marker = Marker {
            format: FORMAT,
            path: self.folder.clone(),
            suite: suite.to_owned(),
            packages,
        };
        let text = serde_json::to_string_pretty(&marker)
            .map_err(|e| Failure::bug(format!("could not write the marker: {e}")))?;
        let partial = self.folder.join("edu-runtime.partial");
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, self.folder.join(MARKER)))
            .map_err(|e| cannot_write(&self.folder, &e))?;
        Ok(marker)
    }

    /// Installs unless that is done. Of many processes one works, the others wait for it.
    ///
    /// # Errors
    /// Exit 2 or 7, each cause with its own headline and way out. The cache is then as before.
    pub fn ensure(&self, environment: &Environment, report: Report) -> Result<Marker> {
        if let Some(marker) = self.installed() {
            return Ok(marker);
        }
        let _lock = self.lock(report)?;
        if let Some(marker) = self.installed() {
            return Ok(marker);
        }
        if let Some(marker) = self.marker() {
            report(Progress::stage("adapting the moved programs"));
            let healed = elf::patch(self.architecture, &self.folder, &self.folder, self.major)
                .and_then(|()| self.prove());
            if healed.is_ok() {
                return self.write_marker(&marker.suite, marker.packages);
            }
        }
        let tools = Tools::find(environment)?;
        self.sweep();
        let staging = Staging::new(&self.folder)?;
        let packages = self.assemble(&tools, &staging, report)?;
        self.prove()?;
        self.write_marker(self.suite, packages)
    }

    fn lock(&self, report: Report) -> Result<File> {
        let parent = self.folder.parent().unwrap_or(&self.folder);
        place::open_folder(parent).map_err(|failure| failure.hint(WRITABLE))?;
        let path = self.folder.with_extension("lock");
        let file = File::create(&path).map_err(|e| cannot_write(parent, &e))?;
        if file.try_lock().is_err() {
            report(Progress::stage(
                "waiting for another edu that is installing PostgreSQL",
            ));
            file.lock()
                .map_err(|e| Failure::io(format!("lock \"{}\"", path.display()), &e))?;
        }
        Ok(file)
    }

    /// Removes what killed processes left behind. Only called under the lock.
    fn sweep(&self) {
        let _ = fs::remove_dir_all(&self.folder);
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let prefix = staging_prefix(&self.folder);
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                // An orphaned apt-get may still write: what it holds on to is removed next time.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Downloads, unpacks, trims and patches in the staging folder, then moves the tree home.
    fn assemble(&self, tools: &Tools, staging: &Staging, report: Report) -> Result<Vec<String>> {
        check_room(&staging.0)?;
        let wanted = Wanted {
            major: self.major,
            suite: self.suite,
            architecture: self.architecture.debian,
        };
        let apt_folder = staging.0.join("apt");
        let tree = staging.0.join("tree");
        for folder in [&apt_folder, &tree] {
            place::open_folder(folder)?;
        }
        let host = Path::new("/");
        let keyrings = apt::keyrings(host)?;
        let archives = Apt::new(tools, &apt_folder, Mirror::of_host(host), wanted)?
            .fetch(&keyrings, report)?;
        unpack(tools, &archives, &tree, report)?;
        trim(&tree, self.major);
        report(Progress::stage("adapting the programs to this machine"));
        elf::patch(self.architecture, &tree, &self.folder, self.major)?;
        fs::rename(&tree, &self.folder).map_err(|e| cannot_write(&self.folder, &e))?;
        Ok(archives
            .iter()
            .filter_map(|path| package_name(path))
            .collect())
    }

    /// Runs the programs once where they are to stay.
    fn prove(&self) -> Result<()> {
        for program in [
            "postgres",
            "initdb",
            "psql",
            "pg_dump",
            "pg_restore",
            "pg_basebackup",
            "pg_amcheck",
        ] {
            let path = self.bin().join(program);
            let output = Command::new(&path)
                .arg("--version")
                .env_clear()
                .output()
                .map_err(|e| cannot_run(&self.folder, &e))?;
            if !output.status.success() {
                return Err(Failure::usage(format!(
                    "the unpacked program \"{program}\" does not run on this machine"
                ))
                .detail(String::from_utf8_lossy(&output.stderr).trim().to_owned())
                .hint(WAYS_OUT));
            }
        }
        Ok(())
    }
}

const WRITABLE: &str = "Set XDG_CACHE_HOME to a directory that you can write to.";

/// A temporary folder next to the final one, removed when dropped.
struct Staging(PathBuf);

impl Staging {
    fn new(folder: &Path) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{}-{count}", staging_prefix(folder), std::process::id());
        let path = folder.with_file_name(name);
        place::open_folder(&path).map_err(|failure| failure.hint(WRITABLE))?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn staging_prefix(folder: &Path) -> String {
    format!(
        ".partial-{}-",
        folder.file_name().unwrap_or_default().to_string_lossy()
    )
}

/// Refuses early what would fail late: no room, or a file system that runs no programs.
fn check_room(folder: &Path) -> Result<()> {
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
pub fn cannot_run(folder: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return noexec(folder);
    }
    Failure::io(
        format!("run the programs in \"{}\"", folder.display()),
        error,
    )
    .hint(WAYS_OUT)
}

fn cannot_write(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("the cache \"{}\" could not be written", folder.display()),
    )
    .detail(io_reason(error))
    .hint(WRITABLE)
}

/// Unpacks with a few `dpkg-deb` at a time: decompression is the work.
fn unpack(tools: &Tools, archives: &[PathBuf], tree: &Path, report: Report) -> Result<()> {
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
fn trim(tree: &Path, major: u16) {
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
fn package_name(archive: &Path) -> Option<String> {
    let stem = archive.file_stem()?.to_str()?;
    let (name, _architecture) = stem.rsplit_once('_')?;
    Some(name.replace("%3a", ":"))
}
