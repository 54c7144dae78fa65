//! Fetches, unpacks and proves the package set, atomically and once for all processes.
//!
//! A folder of the cache counts as installed when its marker names the folder itself: the marker is
//! written last, so whatever a killed process leaves behind has none and is done again. A moved
//! cache is told by the marker's path and patched again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::apt::{Apt, Tools};
use super::elf::{self, Architecture};
use super::mirror::Mirror;
use super::room::{WRITABLE, cannot_run, cannot_write, check_room};
use super::unpack::{package_name, trim, unpack};
use super::wanted::{Wanted, keyrings};
use super::{WAYS_OUT, place};
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report};

/// Debian's testing release: the source of PostgreSQL 18.
pub const TESTING: &str = "forky";

/// Debian's stable release: the source of PostgreSQL 17.
const STABLE: &str = "trixie";

/// How long the programs of a killed installation may still write.
const ORPHAN_MAX: Duration = Duration::from_secs(10);

/// The layout of an installed folder. It is part of the folder's name, so that another edu's server
/// keeps its programs.
const FORMAT: u32 = 2;

const MARKER: &str = "edu-runtime.json";

/// What the marker says of an installed folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
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
            .join(format!("{major}-{}-{FORMAT}", architecture.debian));
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
        serde_json::from_str(&text).ok()
    }

    fn write_marker(&self, suite: &str, packages: Vec<String>) -> Result<Marker> {
        let marker = Marker {
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
        let marker = self.write_marker(self.suite, packages)?;
        report(Progress::Note(format!(
            "unpacked PostgreSQL {} with AGE and pgvector from Debian {} into \"{}\"",
            self.major,
            self.suite,
            self.folder.display()
        )));
        Ok(marker)
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
                // An orphaned apt-get or dpkg-deb may still write for a moment.
                let deadline = Instant::now() + ORPHAN_MAX;
                while fs::remove_dir_all(entry.path()).is_err() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(50));
                }
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
        let keyrings = keyrings(host)?;
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
