//! Drives the host's own `apt-get` with private state, cache, source list and status file.
//!
//! Nothing of the host changes and nothing needs root. apt checks the signatures of Debian's
//! archive as always. Of the host's configuration only `Acquire::*` (proxies, timeouts) is taken
//! over; its hooks are not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::WAYS_OUT;
use super::apt_failure::explain;
use super::mirror::Mirror;
use super::wanted::{Wanted, configuration, sources, status_file, total_bytes};
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};

/// How often the downloaded bytes are counted.
const POLL: Duration = Duration::from_millis(60);

/// The host's programs that an installation needs.
#[derive(Debug, Clone)]
pub struct Tools {
    apt_get: PathBuf,
    apt_config: PathBuf,
    /// `dpkg-deb`, which unpacks.
    pub dpkg_deb: PathBuf,
}

impl Tools {
    /// Finds them on `PATH`.
    ///
    /// # Errors
    /// Exit 2 naming the missing program and the other ways to a server.
    pub fn find(environment: &Environment) -> Result<Self> {
        let find = |program: &str| {
            environment.find_program(program).ok_or_else(|| {
                Failure::usage(format!("this machine has no \"{program}\" to install PostgreSQL with"))
                    .detail("edu takes PostgreSQL, AGE and pgvector from Debian's packages, through the apt of a Debian or Ubuntu host.")
                    .hint(WAYS_OUT)
            })
        };
        Ok(Self {
            apt_get: find("apt-get")?,
            apt_config: find("apt-config")?,
            dpkg_deb: find("dpkg-deb")?,
        })
    }
}

/// A private apt in one folder.
pub struct Apt<'a> {
    tools: &'a Tools,
    folder: &'a Path,
    mirror: Mirror,
    wanted: Wanted,
}

impl<'a> Apt<'a> {
    /// Lays out `folder` (which exists and is empty).
    ///
    /// # Errors
    /// Exit 2 when the folder cannot be written or the host has no Debian archive keyring.
    pub fn new(tools: &'a Tools, folder: &'a Path, mirror: Mirror, wanted: Wanted) -> Result<Self> {
        let apt = Self {
            tools,
            folder,
            mirror,
            wanted,
        };
        for sub in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(sub)).map_err(|e| writing(folder, &e))?;
        }
        let acquire = Command::new(&tools.apt_config).arg("dump").output();
        let acquire = acquire.map_or(String::new(), |out| {
            String::from_utf8_lossy(&out.stdout).into_owned()
        });
        apt.write("status", &status_file(apt.wanted.architecture))?;
        apt.write(
            "apt.conf",
            &configuration(&acquire, folder, apt.wanted.architecture),
        )?;
        Ok(apt)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.folder.join(name), text).map_err(|e| writing(self.folder, &e))
    }

    /// Reads the index and downloads every package. Shape: the `.deb` files, sorted.
    ///
    /// # Errors
    /// Exit 7 for the network and for a package set that Debian cannot resolve today, else exit 2;
    /// each with its own headline.
    pub fn fetch(&self, keyrings: &[PathBuf], report: Report) -> Result<Vec<PathBuf>> {
        report(Progress::stage(format!(
            "reading the package index of Debian {} ({})",
            self.wanted.suite, self.mirror.archive
        )));
        self.write(
            "sources.sources",
            &sources(&self.wanted, &self.mirror, keyrings, true),
        )?;
        let mut updated = self.run(&["update"], &|_| {});
        if matches!(&updated, Err(stderr) if stderr.contains("does not have a Release file") || stderr.contains("404"))
        {
            self.write(
                "sources.sources",
                &sources(&self.wanted, &self.mirror, keyrings, false),
            )?;
            updated = self.run(&["update"], &|_| {});
        }
        updated.map_err(|stderr| self.explain(&stderr))?;
        let mut fetched = self.download(true, report);
        if matches!(&fetched, Err(stderr) if stderr.contains("pgtap")) {
            fetched = self.download(false, report);
            if fetched.is_ok() {
                report(Progress::Note(format!(
                    "Debian {} has no pgTAP for PostgreSQL {}: it is left out",
                    self.wanted.suite, self.wanted.major
                )));
            }
        }
        fetched.map_err(|stderr| self.explain(&stderr))?;
        self.archives()
    }

    fn download(&self, optional: bool, report: Report) -> std::result::Result<(), String> {
        let packages = self.wanted.packages(optional);
        let mut arguments = vec!["install", "--yes", "--download-only"];
        arguments.extend(packages.iter().map(String::as_str));
        let total = std::cell::Cell::new(None);
        let outcome = self.run(&arguments, &|stdout| {
            if total.get().is_none() {
                total.set(total_bytes(stdout));
                if let Some(bytes) = total.get() {
                    report(Progress::counted(
                        "downloading packages",
                        bytes,
                        Unit::Bytes,
                    ));
                }
            }
            if total.get().is_some() {
                report(Progress::At(self.downloaded_bytes()));
            }
        });
        report(Progress::Done);
        outcome
    }

    /// Runs apt-get until it ends, calling `meanwhile` with what it has said. Errors are its stderr.
    fn run(&self, arguments: &[&str], meanwhile: &dyn Fn(&str)) -> std::result::Result<(), String> {
        let (out, err) = (self.folder.join("stdout"), self.folder.join("stderr"));
        let open = |path: &Path| File::create(path).map_err(|e| e.to_string());
        let mut child = Command::new(&self.tools.apt_get)
            .args(["--quiet"])
            .args(arguments)
            .env("APT_CONFIG", self.folder.join("apt.conf"))
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(open(&out)?)
            .stderr(open(&err)?)
            .spawn()
            .map_err(|e| e.to_string())?;
        loop {
            let ended = child.try_wait().map_err(|e| e.to_string())?;
            meanwhile(&fs::read_to_string(&out).unwrap_or_default());
            match ended {
                None => std::thread::sleep(POLL),
                Some(status) => {
                    let stderr = fs::read_to_string(&err).unwrap_or_default();
                    // Before apt 2.2, an index that could not be fetched is only a warning.
                    let complete = status.success() && !stderr.contains("Failed to fetch");
                    return if complete { Ok(()) } else { Err(stderr) };
                }
            }
        }
    }

    fn downloaded_bytes(&self) -> u64 {
        let archives = self.folder.join("cache/archives");
        [archives.join("partial"), archives]
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter_map(|entry| entry.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|meta| meta.len())
            .sum()
    }

    fn archives(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join("cache/archives");
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|e| Failure::io(format!("read \"{}\"", folder.display()), &e))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .collect();
        files.sort();
        Ok(files)
    }

    fn explain(&self, stderr: &str) -> Failure {
        explain(stderr, &self.wanted, &self.mirror)
    }
}

fn writing(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::io(
        format!("write into the cache \"{}\"", folder.display()),
        error,
    )
    .hint("Set XDG_CACHE_HOME to a directory with room that you can write to.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_apt_gets_the_other_ways() {
        let failure = Tools::find(&Environment::default()).unwrap_err();
        assert!(failure.error.contains("apt-get"));
        assert!(failure.hint.unwrap().contains("DATABASE_URL"));
    }
}
