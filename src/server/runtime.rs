//! The programs of one PostgreSQL major: an installed server's, or the unpacked ones.
//!
//! An installed server of the wanted major whose extension directory has the wanted extensions is
//! preferred, because it is what the host's owner keeps up to date.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::install::Site;
use super::{WAYS_OUT, place};
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::progress::Report;

/// The extensions that a server is wanted with where no project says which.
pub const USUAL: [&str; 2] = ["age", "vector"];

/// The extensions whose library a server has to load for every session, from its start on.
const PRELOADED: [&str; 1] = ["age"];

/// libpq settings of the caller that would lead a client elsewhere than its arguments say.
const MISLEADING: [&str; 4] = ["PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS"];

/// Where a runtime's programs come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// `EDU_PG_BIN` names them.
    Chosen,
    /// They are installed on the host.
    Installed,
    /// edu unpacked them from this Debian release.
    Unpacked(String),
}

/// The programs of one PostgreSQL major.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runtime {
    /// The folder of the programs.
    pub bin: PathBuf,
    /// The PostgreSQL major.
    pub major: u16,
    /// Where they come from.
    pub origin: Origin,
    /// Why these and not others, as a sentence.
    pub why: String,
    /// The libraries that its servers load at their start.
    pub(super) preload: Vec<String>,
    extensions: PathBuf,
    /// The unpacked C library's locales; an installed server uses the host's.
    pub(super) locales: Option<PathBuf>,
}

impl Runtime {
    /// The runtime with these extensions that is there already. Never installs, never uses the network.
    ///
    /// # Errors
    /// Exit 2 when `EDU_PG_BIN` names something unusable.
    pub fn find(
        environment: &Environment,
        major: u16,
        needs: &[&str],
        report: Report,
    ) -> Result<Option<Self>> {
        let found = Self::look(environment, major, needs, report)?;
        Ok(found.map(|runtime| runtime.preloading(needs)))
    }

    fn look(
        environment: &Environment,
        major: u16,
        needs: &[&str],
        report: Report,
    ) -> Result<Option<Self>> {
        if let Some(bin) = &environment.pg_bin {
            return Self::chosen(bin, major, needs).map(Some);
        }
        if let Some(runtime) = Self::installed(environment, major, needs) {
            return Ok(Some(runtime));
        }
        let cache = place::cache(environment, &Account::for_server()?, report)?;
        let Ok(site) = Site::new(&cache, major) else {
            return Ok(None);
        };
        Ok(site
            .installed()
            .map(|marker| Self::unpacked(&site, major, needs, &marker.suite)))
    }

    /// The runtime whose servers load what these extensions need.
    fn preloading(self, needs: &[&str]) -> Self {
        let libraries = PRELOADED.iter().filter(|name| needs.contains(name));
        Self {
            preload: libraries.map(|name| (*name).to_owned()).collect(),
            ..self
        }
    }

    /// The runtime that is there, else a freshly installed one.
    ///
    /// # Errors
    /// As [`Runtime::find`] and [`Site::ensure`].
    pub fn ensure(
        environment: &Environment,
        major: u16,
        needs: &[&str],
        report: Report,
    ) -> Result<Self> {
        if let Some(runtime) = Self::find(environment, major, needs, &crate::progress::silent)? {
            return Ok(runtime);
        }
        let cache = place::cache(environment, &Account::for_server()?, report)?;
        let site = Site::new(&cache, major)?;
        let marker = site.ensure(environment, report)?;
        Ok(Self::unpacked(&site, major, needs, &marker.suite).preloading(needs))
    }

    fn chosen(bin: &Path, major: u16, needs: &[&str]) -> Result<Self> {
        let refuse = |fact: String| {
            Failure::usage(format!("EDU_PG_BIN names no usable PostgreSQL {major}"))
                .detail(fact)
                .hint(format!("Unset EDU_PG_BIN, or point it at a folder like /usr/lib/postgresql/{major}/bin."))
        };
        match major_of(bin) {
            None => Err(refuse(format!(
                "\"{}\" has no \"postgres\" and \"initdb\" that run.",
                bin.display()
            ))),
            Some(found) if found != major => Err(refuse(format!(
                "\"{}\" holds PostgreSQL {found}.",
                bin.display()
            ))),
            Some(_) => {
                let extensions = extension_folder(bin, major);
                let missing = missing(&extensions, needs);
                if !missing.is_empty() {
                    return Err(refuse(format!(
                        "\"{}\" lacks {}.",
                        extensions.display(),
                        missing.join(" and ")
                    )));
                }
                Ok(Self {
                    bin: bin.to_path_buf(),
                    major,
                    origin: Origin::Chosen,
                    why: "EDU_PG_BIN names them".to_owned(),
                    preload: Vec::new(),
                    extensions,
                    locales: None,
                })
            }
        }
    }

    fn installed(environment: &Environment, major: u16, needs: &[&str]) -> Option<Self> {
        let packaged = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        let configured = environment.find_program("pg_config").and_then(|program| {
            let output = Command::new(program).arg("--bindir").output().ok()?;
            Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
        });
        [Some(packaged), configured]
            .into_iter()
            .flatten()
            .find_map(|bin| {
                let extensions = extension_folder(&bin, major);
                (missing(&extensions, needs).is_empty() && major_of(&bin) == Some(major)).then(
                    || Self {
                        why: format!("an installed PostgreSQL {major}{}", has(needs)),
                        preload: Vec::new(),
                        bin,
                        major,
                        origin: Origin::Installed,
                        extensions,
                        locales: None,
                    },
                )
            })
    }

    fn unpacked(site: &Site, major: u16, needs: &[&str], suite: &str) -> Self {
        Self {
            bin: site.bin(),
            major,
            origin: Origin::Unpacked(suite.to_owned()),
            why: match needs {
                [] => format!("no PostgreSQL {major} is installed; edu unpacked Debian {suite}'s"),
                needs => format!(
                    "no installed PostgreSQL {major}{}; edu unpacked Debian {suite}'s",
                    has(needs)
                ),
            },
            preload: Vec::new(),
            extensions: site
                .folder
                .join(format!("usr/share/postgresql/{major}/extension")),
            locales: Some(site.folder.join("usr/lib/locale")),
        }
    }

    /// A client program (`psql`, `pg_dump`, …) that runs as the invoking user.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        for variable in MISLEADING {
            command.env_remove(variable);
        }
        if let Some(locales) = &self.locales {
            command.env("LOCPATH", locales);
        }
        command
    }

    /// A server program (`postgres`, `initdb`, …) that runs as `account` with an empty environment,
    /// so that no `PG*` variable of the caller changes the server.
    pub fn server_command(&self, account: &Account, program: &str) -> Command {
        server_command(&self.bin, self.locales.as_deref(), account, program)
    }

    /// The version that `CREATE EXTENSION name` installs.
    /// Source: `default_version` of the control file.
    pub fn extension_version(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.extensions.join(format!("{name}.control"))).ok()?;
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "default_version").then(|| value.trim().trim_matches('\'').to_owned())
        })
    }

    /// Insists that `account` can reach the programs.
    ///
    /// # Errors
    /// Exit 2 naming the directory that it cannot enter.
    pub fn reachable_by(&self, account: &Account) -> Result<()> {
        match account.blocked_at(&self.bin) {
            None => Ok(()),
            Some(closed) => Err(Failure::usage(format!(
                "the server's account \"{}\" cannot reach \"{}\"",
                account.name,
                self.bin.display()
            ))
            .detail(format!("\"{}\" is closed to it.", closed.display()))
            .hint(format!(
                "Let it in: chmod o+x \"{}\". {WAYS_OUT}",
                closed.display()
            ))),
        }
    }
}

/// A server program run as `account` with an empty environment.
pub(super) fn server_command(
    bin: &Path,
    locales: Option<&Path>,
    account: &Account,
    program: &str,
) -> Command {
    let mut command = Command::new(bin.join(program));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    if let Some(locales) = locales {
        command.env("LOCPATH", locales);
    }
    account.assume(&mut command);
    command
}

/// The major of the server in `bin`, if `postgres` runs and `initdb` is there.
fn major_of(bin: &Path) -> Option<u16> {
    if !bin.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .env_clear()
        .output()
        .ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// Reads "postgres (PostgreSQL) 17.12 (Debian …)", betas included.
fn parse_major(version: &str) -> Option<u16> {
    let number = version.split("(PostgreSQL) ").nth(1)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Where an installed server keeps its control files: Debian's place, else relative to `bin`.
fn extension_folder(bin: &Path, major: u16) -> PathBuf {
    let prefix = bin.parent().unwrap_or(bin);
    let candidates = [
        prefix.join("share/extension"),
        prefix.join("share/postgresql/extension"),
        prefix.join(format!("../../../share/postgresql/{major}/extension")),
    ];
    let fallback = PathBuf::from(format!("/usr/share/postgresql/{major}/extension"));
    candidates
        .into_iter()
        .find(|folder| folder.join("plpgsql.control").is_file())
        .and_then(|folder| folder.canonicalize().ok())
        .unwrap_or(fallback)
}

/// " has age and vector".
fn has(needs: &[&str]) -> String {
    match needs {
        [] => " is there".to_owned(),
        needs => format!(" has {}", needs.join(" and ")),
    }
}

fn missing<'a>(extensions: &Path, needs: &[&'a str]) -> Vec<&'a str> {
    needs
        .iter()
        .copied()
        .filter(|name| !extensions.join(format!("{name}.control")).is_file())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::silent;

    #[test]
    fn a_major_is_read_from_the_servers_own_words() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 17.12 (Debian 17.12-0+deb13u1)\n"),
            Some(17)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("sh: not found"), None);
    }

    #[test]
    fn a_chosen_folder_without_a_server_is_refused() {
        let environment = Environment {
            pg_bin: Some("/nonexistent/bin".into()),
            ..Environment::default()
        };
        let failure = Runtime::find(&environment, 17, &USUAL, &silent).unwrap_err();
        assert!(failure.detail[0].contains("/nonexistent/bin"));
    }

    #[test]
    fn an_extensions_version_comes_from_its_control_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("age.control"),
            "# x\ndefault_version = '1.5.0'\n",
        )
        .unwrap();
        let runtime = Runtime {
            bin: PathBuf::new(),
            major: 17,
            origin: Origin::Installed,
            why: String::new(),
            preload: Vec::new(),
            extensions: folder.path().into(),
            locales: None,
        };
        assert_eq!(runtime.extension_version("age").as_deref(), Some("1.5.0"));
        assert_eq!(runtime.extension_version("vector"), None);
    }
}
