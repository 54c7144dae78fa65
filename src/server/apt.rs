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
use super::mirror::Mirror;
use crate::config::Environment;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report, Unit};

/// How often the downloaded bytes are counted.
const POLL: Duration = Duration::from_millis(60);

/// Packages that the server does not need. A private status file declares them installed, so that
/// apt neither asks for them nor fetches them.
const LEFT_OUT: [&str; 24] = [
    "postgresql-common",
    "postgresql-client-common",
    "postgresql-common-dev",
    "ssl-cert",
    "locales",
    "libc-l10n",
    "debconf",
    "ucf",
    "tzdata",
    "adduser",
    "netbase",
    "procps",
    "openssl",
    "openssl-provider-legacy",
    "passwd",
    "login.defs",
    "base-passwd",
    "sysvinit-utils",
    "init-system-helpers",
    "readline-common",
    "perl",
    "perl-base",
    "sensible-utils",
    "libsasl2-modules-db",
];

/// The LLVM majors that may be asked for; the server runs with `jit=off`.
const LLVM: std::ops::RangeInclusive<u8> = 14..=40;

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

/// What is wanted from the archive.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The PostgreSQL major.
    pub major: u16,
    /// Debian's release.
    pub suite: &'static str,
    /// Debian's name of the architecture.
    pub architecture: &'static str,
}

impl Wanted {
    fn packages(&self, optional: bool) -> Vec<String> {
        let major = self.major;
        let mut packages = vec![
            format!("postgresql-{major}"),
            format!("postgresql-client-{major}"),
            format!("postgresql-{major}-age"),
            format!("postgresql-{major}-pgvector"),
            "patchelf".to_owned(),
        ];
        if optional {
            packages.push(format!("postgresql-{major}-pgtap"));
        }
        packages
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
        let mut updated = self.run(&["update", "--error-on=any"], &|_| {});
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
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(fs::read_to_string(&err).unwrap_or_default()),
                None => std::thread::sleep(POLL),
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

/// The keyrings that hold Debian's archive keys.
///
/// # Errors
/// Exit 2 with the package that has them.
pub fn keyrings(root: &Path) -> Result<Vec<PathBuf>> {
    let shared = root.join("usr/share/keyrings");
    for name in ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"] {
        if shared.join(name).is_file() {
            return Ok(vec![shared.join(name)]);
        }
    }
    let mut found: Vec<PathBuf> = [shared, root.join("etc/apt/trusted.gpg.d")]
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("debian-archive-") && !name.contains("removed")
        })
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(Failure::usage("this machine has no keys to check Debian's packages with")
            .detail("\"/usr/share/keyrings/debian-archive-keyring.gpg\" is missing, and edu does not install unchecked packages.")
            .hint(format!("Install them: apt-get install debian-archive-keyring. {WAYS_OUT}")));
    }
    Ok(found)
}

fn status_file(architecture: &str) -> String {
    let llvm = LLVM.map(|major| format!("libllvm{major}"));
    LEFT_OUT
        .iter()
        .map(|name| (*name).to_owned())
        .chain(llvm)
        .map(|name| {
            let provides = if name == "debconf" { "Provides: debconf-2.0\n" } else { "" };
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\nMulti-Arch: foreign\n\
                 Version: 99:99\nMaintainer: edu\n{provides}Description: left out by edu\n\n"
            )
        })
        .collect()
}

/// Renders apt's configuration. `dump` is what `apt-config dump` says of the host.
fn configuration(dump: &str, folder: &Path, architecture: &str) -> String {
    const OURS: [&str; 4] = [
        "Acquire::IndexTargets",
        "Acquire::Languages",
        "Acquire::CompressionTypes",
        "Acquire::AllowInsecure",
    ];
    let mut text = String::from("Dir::Etc::parts \"/dev/null\";\nDir::Etc::main \"/dev/null\";\n");
    for line in dump.lines() {
        if line.starts_with("Acquire::") && !OURS.iter().any(|ours| line.starts_with(ours)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    let folder = folder.display();
    text.push_str(&format!(
        "Dir::State \"{folder}/state\";\nDir::State::status \"{folder}/status\";\nDir::Cache \"{folder}/cache\";\n\
         Dir::Log \"{folder}/log\";\nDir::Etc::sourcelist \"{folder}/sources.sources\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
         APT::Architecture \"{architecture}\";\nAPT::Architectures {{ \"{architecture}\"; }};\n\
         APT::Install-Recommends \"false\";\nAPT::Get::AllowUnauthenticated \"false\";\n\
         Acquire::Languages \"none\";\nAcquire::Retries \"2\";\n"
    ));
    if rustix::process::geteuid().is_root() {
        // apt's own sandbox account could not write into the cache.
        text.push_str("APT::Sandbox::User \"root\";\n");
    }
    text
}

fn sources(wanted: &Wanted, mirror: &Mirror, keyrings: &[PathBuf], extras: bool) -> String {
    let suite = wanted.suite;
    let keys: Vec<String> = keyrings
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let keys = keys.join(" ");
    let stanza = |uri: &str, suites: &str| {
        format!(
            "Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {keys}\n\n"
        )
    };
    // Testing gets its fixes through the suite itself.
    if !extras || suite == super::install::TESTING {
        return stanza(&mirror.archive, suite);
    }
    stanza(&mirror.archive, &format!("{suite} {suite}-updates"))
        + &stanza(&mirror.security, &format!("{suite}-security"))
}

/// Reads "Need to get 41.1 MB/97 MB of archives." Units: bytes.
fn total_bytes(stdout: &str) -> Option<u64> {
    let rest = stdout.split("Need to get ").nth(1)?;
    let mut words = rest.split_whitespace();
    let number: f64 = words.next()?.replace(',', "").parse().ok()?;
    let unit = words.next()?.split('/').next()?;
    let scale = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    };
    Some((number * scale) as u64)
}

/// Words why apt-get failed.
fn explain(stderr: &str, wanted: &Wanted, mirror: &Mirror) -> Failure {
    let says = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    let facts = stderr
        .lines()
        .filter(|line| {
            line.starts_with("E:")
                || line.starts_with("W: Failed")
                || line.starts_with("W: GPG")
                || line.contains("Depends:")
        })
        .take(4)
        .map(|line| {
            line.trim()
                .trim_start_matches("E: ")
                .trim_start_matches("W: ")
                .to_owned()
        });
    let (major, suite) = (wanted.major, wanted.suite);
    let mut failure = if says(&["No space left on device"]) {
        Failure::usage("the disk was full while packages were downloaded")
            .hint("Free 400 MB, or set XDG_CACHE_HOME to a directory with room.")
    } else if says(&[
        "NO_PUBKEY",
        "is not signed",
        "GPG error",
        "Missing key",
        "verification",
        "Sub-process /usr/bin/sqv",
    ]) {
        Failure::usage(format!("Debian {suite}'s signature could not be checked")).hint(format!(
            "Bring the keys up to date: apt-get install debian-archive-keyring. {WAYS_OUT}"
        ))
    } else if says(&[
        "resolving",
        "Could not connect",
        "Unable to connect",
        "Connection failed",
        "Failed to fetch",
        "Network is unreachable",
        "timed out",
        "does not have a Release file",
    ]) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "the Debian mirror \"{}\" could not be reached",
                mirror.archive
            ),
        )
        .hint(format!(
            "Check the network or the proxy in apt's configuration, and run it again. {WAYS_OUT}"
        ))
    } else if says(&[
        "Unable to locate package",
        "unmet dependencies",
        "has no installation candidate",
        "Unable to correct problems",
        "held broken packages",
    ]) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "Debian {suite} does not resolve PostgreSQL {major} with AGE and pgvector today"
            ),
        )
        .hint(format!(
            "Try again tomorrow, or take another major (--major 17). {WAYS_OUT}"
        ))
    } else {
        Failure::usage("apt-get failed").hint(WAYS_OUT)
    };
    failure.detail.extend(facts);
    failure
}

#[cfg(test)]
#[path = "apt_tests.rs"]
mod tests;
