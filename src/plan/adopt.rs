//! Another tool's history onto our files: which of its rows means which migration.
//!
//! A row names a version, a name, a checksum of the text, or some of them. What is not certain is refused
//! with both sides named; nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::failure::{Exit, Failure, Result};
use crate::spec::migration::Migration;
use crate::sql::fingerprint::checksum;

/// What became of a migration there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Applied.
    Done,
    /// Everything up to this version is applied; the tool keeps no more.
    UpTo,
    /// Begun and not finished.
    Failed,
    /// Applied and undone again.
    Undone,
    /// Not a versioned migration.
    Aside,
}

/// One row of another tool's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The row in words, for messages.
    pub label: String,
    /// Its version, as that tool writes it.
    pub version: Option<String>,
    /// Its name or description.
    pub name: Option<String>,
    /// SHA-256 of the file it ran, in hexadecimal digits.
    pub hash: Option<String>,
    /// When it was applied, where the tool keeps that.
    pub applied_at: Option<OffsetDateTime>,
    /// What became of it.
    pub fate: Fate,
}

/// How a row found its migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The checksum of the text.
    Text,
    /// The version.
    Version,
    /// The name.
    Name,
    /// The tool keeps the last version only.
    UpTo,
}

impl By {
    /// In words, to stand after "by": "version".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Version => "version",
            Self::Name => "name",
            Self::UpTo => "being older than the last one",
        }
    }
}

/// One migration that the other tool applied.
#[derive(Debug, Clone)]
pub struct Mapped<'a> {
    /// The row in words.
    pub label: String,
    /// Our migration.
    pub migration: &'a Migration,
    /// How they were matched.
    pub by: By,
    /// When it was applied, where that is known.
    pub applied_at: Option<OffsetDateTime>,
}

/// Maps the rows to the files. Shape: by version of the files, each once.
///
/// # Errors
/// Exit 4 for a row that failed there, that has no file, or that fits more than one file; and for two rows
/// that fit one file.
pub fn map<'a>(rows: &[Foreign], migrations: &'a [Migration]) -> Result<Vec<Mapped<'a>>> {
    let conflict =
        |error: String| Failure::new(Exit::History, error).detail("Nothing was recorded.");
    let undone: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.fate == Fate::Undone)
        .filter_map(|row| row.version.as_deref())
        .collect();
    let texts: BTreeMap<String, &'a Migration> = migrations
        .iter()
        .map(|one| (checksum(&one.up.document.text), one))
        .collect();
    let mut found: BTreeMap<i64, Mapped<'a>> = BTreeMap::new();
    for row in rows {
        let gone = row
            .version
            .as_deref()
            .is_some_and(|version| undone.contains(version));
        match row.fate {
            Fate::Failed => {
                return Err(conflict(format!(
                    "\"{}\" did not succeed in the other history",
                    row.label
                ))
                .hint("Bring it to an end with that tool, then import again."));
            }
            Fate::Undone | Fate::Aside => continue,
            Fate::Done if gone => continue,
            Fate::Done | Fate::UpTo => {}
        }
        let (migration, by) = find(row, migrations, &texts)?;
        if row.fate == Fate::UpTo {
            for older in migrations
                .iter()
                .filter(|one| one.version < migration.version)
            {
                found.entry(older.version).or_insert_with(|| Mapped {
                    label: row.label.clone(),
                    migration: older,
                    by: By::UpTo,
                    applied_at: None,
                });
            }
        }
        let mapped = Mapped {
            label: row.label.clone(),
            migration,
            by,
            applied_at: row.applied_at,
        };
        if let Some(other) = found.insert(migration.version, mapped)
            && other.by != By::UpTo
        {
            return Err(conflict(format!(
                "\"{}\" and \"{}\" of the other history both fit \"{}\"",
                other.label, row.label, migration.up.document.path
            ))
            .hint("Give each of them a file of its own."));
        }
    }
    Ok(found.into_values().collect())
}

fn find<'a>(
    row: &Foreign,
    migrations: &'a [Migration],
    texts: &BTreeMap<String, &'a Migration>,
) -> Result<(&'a Migration, By)> {
    if let Some(migration) = row.hash.as_ref().and_then(|hash| texts.get(hash)) {
        return Ok((migration, By::Text));
    }
    let version: Option<i64> = row.version.as_deref().and_then(number);
    let by_version = migrations.iter().find(|one| Some(one.version) == version);
    let name = row
        .name
        .as_deref()
        .map(plain)
        .filter(|name| !name.is_empty());
    let by_name: Vec<&Migration> = migrations
        .iter()
        .filter(|one| name.as_ref().is_some_and(|name| plain(&one.name) == *name))
        .collect();
    let path = |one: &Migration| one.up.document.path.clone();
    let ambiguous = |a: &Migration, b: &Migration, why: &str| {
        Failure::new(
            Exit::History,
            format!("\"{}\" of the other history fits two files", row.label),
        )
        .detail(format!("\"{}\" and \"{}\": {why}.", path(a), path(b)))
        .detail("Nothing was recorded.")
        .hint("Name the files so that version and name of each row mean one of them.")
    };
    match (by_version, by_name.as_slice()) {
        (Some(one), []) => Ok((one, By::Version)),
        (Some(one), all) if all.iter().any(|other| other.version == one.version) => {
            Ok((one, By::Version))
        }
        (Some(one), [other, ..]) => Err(ambiguous(
            one,
            other,
            "the version is the one's, the name the other's",
        )),
        (None, [one]) => Ok((one, By::Name)),
        (None, [one, other, ..]) => Err(ambiguous(one, other, "both have the name")),
        (None, []) => Err(Failure::new(
            Exit::History,
            format!("\"{}\" of the other history has no file", row.label),
        )
        .detail("No migration has its version, its name or its text. Nothing was recorded.")
        .hint("Bring the file over as V<version>__<name>.sql.")),
    }
}

/// A version as a number; none for versions with dots.
fn number(version: &str) -> Option<i64> {
    let version = version.trim();
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| version.parse().ok()).flatten()
}

/// A name without differences in case and signs: "Add users" is "add_users".
fn plain(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

#[cfg(test)]
mod tests;
