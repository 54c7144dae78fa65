//! What apt is told: which packages, from where, checked with which keys, and what to leave out.
//!
//! Pure but for looking up the keyrings. Source: apt.conf(5), sources.list(5), dpkg's status file.

use std::fs;
use std::path::{Path, PathBuf};

use super::WAYS_OUT;
use super::mirror::Mirror;
use crate::failure::{Failure, Result};

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
    pub(super) fn packages(&self, optional: bool) -> Vec<String> {
        let major = self.major;
        let mut packages = vec![
            format!("postgresql-{major}"),
            format!("postgresql-client-{major}"),
            format!("postgresql-{major}-age"),
            format!("postgresql-{major}-pgvector"),
            "patchelf".to_owned(),
            // Has the C.UTF-8 locale, which a slim host lacks.
            "libc-bin".to_owned(),
        ];
        if optional {
            packages.push(format!("postgresql-{major}-pgtap"));
        }
        packages
    }
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

pub(super) fn status_file(architecture: &str) -> String {
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
pub(super) fn configuration(dump: &str, folder: &Path, architecture: &str) -> String {
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
         Acquire::Languages \"none\";\nAcquire::Retries \"3\";\nAPT::Update::Error-Mode \"any\";\n"
    ));
    if rustix::process::geteuid().is_root() {
        // apt's own sandbox account could not write into the cache.
        text.push_str("APT::Sandbox::User \"root\";\n");
    }
    text
}

pub(super) fn sources(
    wanted: &Wanted,
    mirror: &Mirror,
    keyrings: &[PathBuf],
    extras: bool,
) -> String {
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
pub(super) fn total_bytes(stdout: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(suite: &'static str) -> Wanted {
        Wanted {
            major: 18,
            suite,
            architecture: "amd64",
        }
    }

    #[test]
    fn the_hosts_proxy_is_kept_and_its_hooks_are_not() {
        let dump = "APT::Update::Post-Invoke:: \"rm -rf /\";\nAcquire::http::Proxy \"http://p:3128\";\n\
                    Acquire::IndexTargets::deb::DEP-11 \"\";\nAcquire::AllowInsecureRepositories \"1\";\n";
        let text = configuration(dump, Path::new("/a b"), "arm64");
        assert!(text.contains("Acquire::http::Proxy \"http://p:3128\";"));
        assert!(
            !text.contains("Post-Invoke") && !text.contains("DEP-11") && !text.contains("Insecure")
        );
        assert!(text.contains("Dir::State::status \"/a b/status\";") && text.contains("\"arm64\""));
    }

    #[test]
    fn the_total_is_read_from_what_apt_says() {
        assert_eq!(
            total_bytes("x\nNeed to get 41.1 MB of archives.\n"),
            Some(41_100_000)
        );
        assert_eq!(
            total_bytes("Need to get 1,024 kB/97.8 MB of archives.\n"),
            Some(1_024_000)
        );
        assert_eq!(total_bytes("Reading package lists..."), None);
    }

    #[test]
    fn stable_is_read_with_its_security_fixes_and_signed() {
        let keys = [PathBuf::from("/k.gpg")];
        let text = sources(&wanted("trixie"), &Mirror::default(), &keys, true);
        assert!(
            text.contains("Suites: trixie-security")
                && text.contains("Suites: trixie trixie-updates")
        );
        assert_eq!(text.matches("Signed-By: /k.gpg").count(), 2);
    }

    #[test]
    fn a_host_without_debians_keys_gets_the_package_that_has_them() {
        let empty = tempfile::tempdir().unwrap();
        let failure = keyrings(empty.path()).unwrap_err();
        assert!(failure.hint.unwrap().contains("debian-archive-keyring"));
    }
}
