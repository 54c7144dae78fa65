//! `edu.toml`: the project's name, roles, settings, graph, and the extensions it needs.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::Deserialize;
use toml::Spanned;

use super::document::Document;
use crate::failure::{Failure, Result};

/// The server majors edu works with.
pub const MAJORS: std::ops::RangeInclusive<u16> = 16..=18;

/// The content of `edu.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The project's name: letters, digits, `-` and `_`.
    pub name: String,
    /// The database on the embedded server. Default: the name.
    #[serde(default)]
    pub database: String,
    /// The embedded server.
    #[serde(default)]
    pub server: Server,
    /// The roles, if the project separates them.
    #[serde(default)]
    pub roles: Roles,
    /// The settings that carry a session's tenant and user.
    #[serde(default)]
    pub context: Context,
    /// The graph, if there is one.
    #[serde(default)]
    pub graph: Option<Graph>,
    /// What all vector columns share.
    #[serde(default)]
    pub vectors: Option<Vectors>,
    /// Extension name to version range.
    #[serde(default)]
    pub extensions: BTreeMap<String, Range>,
    /// Parts of the project that are on or off, by the name of their folder under `options/`.
    #[serde(default)]
    pub options: BTreeMap<String, bool>,
    /// Differences from the spec that `edu db verify` accepts.
    #[serde(default)]
    pub accept: Vec<Accept>,
    /// Databases that take no seed rows unless their name is repeated on the command line, and no migration that
    /// widens access without saying so.
    #[serde(default)]
    pub protected: Vec<String>,
    /// What the image is built with.
    #[serde(default)]
    pub image: Image,
}

/// The embedded server's part of `edu.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The PostgreSQL major.
    pub major: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self { major: 17 }
    }
}

/// The roles of `edu.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Owns everything; migrations run as it. Default: whoever connects.
    #[serde(default)]
    pub owner: Option<String>,
    /// The role that policies name and application transactions run as.
    #[serde(default)]
    pub application: Option<String>,
    /// The role an application logs in as; it may switch to `application`.
    #[serde(default)]
    pub login: Option<String>,
}

/// A difference from the spec that is known and accepted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The object, in the words of the report: "role deploy".
    pub object: String,
    /// The facet; without one, whatever differs about the object.
    #[serde(default)]
    pub facet: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day it is accepted on, as `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "day")]
    pub until: Option<String>,
}

/// Reads a day, quoted or as TOML's date.
fn day<'de, D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Day {
        Text(String),
        Date(toml::value::Datetime),
    }
    let text = match Day::deserialize(d)? {
        Day::Text(text) => text,
        Day::Date(date) => date.to_string(),
    };
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(&text, format)
        .map(|_| Some(text.clone()))
        .map_err(|_| serde::de::Error::custom(format!("\"{text}\" is no day: write YYYY-MM-DD")))
}

impl Roles {
    /// The names that are given.
    pub fn names(&self) -> Vec<&str> {
        [&self.owner, &self.application, &self.login]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }
}

/// The settings of `edu.toml` that policies read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Holds the tenant's id.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Holds the user's id.
    #[serde(default)]
    pub user: Option<String>,
}

/// The graph's part of `edu.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// The graph's name, which is also its namespace.
    pub name: String,
}

/// The vectors' part of `edu.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// The dimensions of every embedding column.
    pub dimensions: u32,
}

/// What `edu image build` passes to the Dockerfile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    /// The Dockerfile, relative to the project.
    pub dockerfile: String,
    /// The name and tag the built image gets. `{major}` is replaced.
    pub tag: String,
    /// The image to build on. `{major}` is replaced.
    pub base: String,
    /// Build arguments by name, beside `BASE` and `PG_MAJOR`.
    pub args: BTreeMap<String, String>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            dockerfile: "Dockerfile.postgres-age".to_owned(),
            tag: "edu-postgres-age:{major}".to_owned(),
            base: "docker.io/library/postgres:{major}-trixie".to_owned(),
            args: BTreeMap::new(),
        }
    }
}

/// A range of extension versions. PostgreSQL's extensions often have two parts: missing ones are 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Range {
    text: String,
    requirement: VersionReq,
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let requirement = VersionReq::parse(&text)
            .map_err(|error| format!("\"{text}\" is not a version range: {error}"))?;
        Ok(Self { text, requirement })
    }
}

impl Range {
    /// Whether `version` as PostgreSQL reports it ("1.3", "0.8.0") lies in the range.
    pub fn admits(&self, version: &str) -> bool {
        padded(version).is_some_and(|version| self.requirement.matches(&version))
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads "1.3" as 1.3.0. A suffix such as "-dev" is kept out.
fn padded(version: &str) -> Option<Version> {
    let numbers = version.split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
    let mut next = || parts.next().unwrap_or(Some(0));
    Some(Version::new(next()?, next()?, next()?))
}

impl Manifest {
    /// The extensions that a server must offer.
    pub fn needs(&self) -> Vec<&str> {
        self.extensions.keys().map(String::as_str).collect()
    }

    /// Reads and checks `edu.toml`.
    ///
    /// # Errors
    /// Exit 2 with file, line and column.
    pub fn read(document: &Document) -> Result<Self> {
        let mut manifest: Self = document.parse()?;
        if !is_word(&manifest.name) {
            return Err(point(
                document,
                "name",
                "a project's name has letters, digits, \"-\" and \"_\" only",
            ));
        }
        if manifest.database.is_empty() {
            manifest.database = manifest.name.clone();
        }
        if !MAJORS.contains(&manifest.server.major) {
            return Err(point(
                document,
                "major",
                &format!(
                    "edu works with PostgreSQL {} to {}, not with {}",
                    MAJORS.start(),
                    MAJORS.end(),
                    manifest.server.major
                ),
            ));
        }
        Ok(manifest)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// A failure that points at the value of the first `key` in the document.
fn point(document: &Document, key: &str, error: &str) -> Failure {
    type Table = BTreeMap<Spanned<String>, toml::Value>;
    let top: Option<Table> = toml::from_str(&document.text).ok();
    let span = top
        .and_then(|table| {
            table
                .into_keys()
                .find(|k| k.get_ref() == key)
                .map(|k| k.span())
        })
        .or_else(|| {
            document
                .text
                .find(&format!("{key} ="))
                .map(|at| at..at + key.len())
        });
    match span {
        Some(span) => document.failure(span, error),
        None => Failure::usage(format!("{error} (\"{}\")", document.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest> {
        Manifest::read(&Document {
            path: "edu.toml".into(),
            text: text.into(),
        })
    }

    #[test]
    fn a_minimal_manifest_gets_its_defaults() {
        let manifest = read("name = \"shop\"\n").unwrap();
        assert_eq!(
            (manifest.database.as_str(), manifest.server.major),
            ("shop", 17)
        );
    }

    #[test]
    fn a_two_part_extension_version_is_compared_as_three() {
        let range = Range::try_from(">=1.3, <2".to_owned()).unwrap();
        assert!(range.admits("1.3") && range.admits("1.5.0") && !range.admits("2.0"));
    }

    #[test]
    fn an_unsupported_major_is_refused_with_its_place() {
        let failure = read("name = \"shop\"\n[server]\nmajor = 9\n").unwrap_err();
        assert_eq!(failure.excerpt.unwrap().position(), (3, 1));
    }
}
