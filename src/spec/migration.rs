//! The files of `migrations/`: which versions there are, and how each is to be run.
//!
//! It reads names, headers and statements. Whether a migration is applied, divergent or out of order is
//! the plan's to say, which also knows the history.

use std::collections::BTreeMap;

use super::document::{Document, nearest};
use crate::failure::{Failure, Result};
use crate::sql::Source;
use crate::sql::fingerprint::fingerprint;
use crate::sql::hazard::{self, Allowance, Hazard};
use crate::sql::header::{Header, Role, header};
use crate::sql::rule;
use crate::sql::split::{Script, split};
use crate::sql::transaction::{concurrent_index, controls_transaction, needs_no_transaction};

/// One SQL file with all that its text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// The file.
    pub document: Document,
    /// What its header comments say.
    pub header: Header,
    /// Its statements, at least one.
    pub script: Script,
}

impl SqlFile {
    /// A checksum that comments, spaces and line ends do not change.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.document.text)
    }
}

/// One version of the database's structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The version: a number counted up, or a timestamp. Never negative.
    pub version: i64,
    /// The name after the two underscores.
    pub name: String,
    /// The way there.
    pub up: SqlFile,
    /// The way back, if a file gives one.
    pub down: Option<SqlFile>,
}

impl Migration {
    /// Whether it is the bootstrap step, which a superuser runs.
    pub fn needs_superuser(&self) -> bool {
        self.up.header.role == Some(Role::Superuser)
    }

    /// A checksum of the way there that a harmless edit does not change.
    pub fn fingerprint(&self) -> String {
        self.up.fingerprint()
    }
}

/// Reads the files of `migrations/`.
///
/// # Shape
/// Ascending by version, each version once. Hidden files and `.md` files are passed over.
///
/// # Errors
/// Exit 2, with the place where there is one: a file name of another shape, two files of one version, a
/// way back without a way there, a file without statements, a statement that the file's header does not
/// fit, and all that [`split`] and [`header`] refuse.
pub fn migrations(documents: &[Document]) -> Result<Vec<Migration>> {
    let mut found: BTreeMap<i64, Migration> = BTreeMap::new();
    let mut downs = Vec::new();
    for document in documents {
        let Some(named) = file_name(document)? else {
            continue;
        };
        if named.down {
            downs.push((named, document));
            continue;
        }
        if let Some(other) = found.get(&named.version) {
            return Err(
                Failure::usage(format!("version {} was given twice", named.version))
                    .detail(format!(
                        "\"{}\" and \"{}\" both have it.",
                        other.up.document.path, document.path
                    ))
                    .hint("Give the newer file the next free version."),
            );
        }
        let migration = Migration {
            version: named.version,
            name: named.name,
            up: sql_file(document)?,
            down: None,
        };
        found.insert(named.version, migration);
    }
    for (named, document) in downs {
        take_down(&mut found, &named, document)?;
    }
    Ok(found.into_values().collect())
}

/// What a file name says.
struct FileName {
    version: i64,
    name: String,
    down: bool,
}

fn file_name(document: &Document) -> Result<Option<FileName>> {
    let file = document.path.rsplit('/').next().unwrap_or(&document.path);
    if file.starts_with('.') || file.ends_with(".md") {
        return Ok(None);
    }
    let other_shape = || {
        Failure::usage(format!("\"{}\" is not named like a migration", document.path))
            .detail("A migration is named V<version>__<name>.sql, its way back V<version>__<name>.down.sql.")
            .detail("The version is a whole number or a timestamp; the name has letters, digits and \"_\".")
            .hint(format!("Rename it, for example: {}", suggestion(file)))
    };
    let stem = file.strip_suffix(".sql").ok_or_else(other_shape)?;
    let (stem, down) = match stem.strip_suffix(".down") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (version, name) = stem.split_once("__").ok_or_else(other_shape)?;
    let digits = version.get(1..).unwrap_or_default();
    let shaped = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    match version.as_bytes().first() {
        Some(b'V') if shaped => {}
        Some(b'U') if shaped => {
            return Err(Failure::usage(format!("\"{}\" is an unversioned migration", document.path))
                .detail("refinery runs U files in any order, so two databases could differ and both look complete.")
                .hint(format!("Rename it, for example: {}", suggestion(file))));
        }
        _ => return Err(other_shape()),
    }
    let version = digits.parse().map_err(|_| {
        Failure::usage(format!(
            "\"{}\" has a version that is too large",
            document.path
        ))
        .detail(format!("The largest is {}.", i64::MAX))
    })?;
    Ok(Some(FileName {
        version,
        name: name.to_owned(),
        down,
    }))
}

/// A name of the right shape that keeps what the file's name said.
fn suggestion(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or(file);
    let start = stem.find(|c: char| c.is_ascii_digit());
    let (digits, name) = match start {
        None => ("0001", stem.trim_start_matches(['V', 'v', 'U', 'u'])),
        Some(start) => {
            let rest = &stem[start..];
            rest.split_at(
                rest.find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len()),
            )
        }
    };
    let name = name.replace(|c: char| !c.is_alphanumeric(), "_");
    let name = match name.trim_matches('_') {
        "" => "change",
        name => name,
    };
    let down = if file.contains(".down.") { ".down" } else { "" };
    format!("V{digits}__{name}{down}.sql")
}

fn take_down(
    found: &mut BTreeMap<i64, Migration>,
    named: &FileName,
    document: &Document,
) -> Result<()> {
    let alone = || {
        Failure::usage(format!(
            "\"{}\" undoes a migration that does not exist",
            document.path
        ))
    };
    let Some(migration) = found.get_mut(&named.version) else {
        return Err(alone().detail(format!("No other file has version {}.", named.version)));
    };
    if migration.name != named.name {
        return Err(alone()
            .detail(format!(
                "Version {} is \"{}\".",
                named.version, migration.up.document.path
            ))
            .hint("Give both files the same version and name."));
    }
    if let Some(other) = &migration.down {
        return Err(
            Failure::usage(format!("version {} has two ways back", named.version)).detail(format!(
                "\"{}\" and \"{}\".",
                other.document.path, document.path
            )),
        );
    }
    if migration.up.header.irreversible {
        return Err(Failure::usage(format!(
            "\"{}\" undoes an irreversible migration",
            document.path
        ))
        .detail(format!(
            "\"{}\" says `edu: irreversible`.",
            migration.up.document.path
        ))
        .hint("Take out the header comment, or the file."));
    }
    migration.down = Some(sql_file(document)?);
    Ok(())
}

/// Reads one file of `spec/schema`: its statements, and what its header allows.
///
/// # Errors
/// Exit 2 with the place that cannot be read.
pub fn schema_file(document: &Document) -> Result<SqlFile> {
    let source = Source {
        path: &document.path,
        text: &document.text,
    };
    let file = SqlFile {
        document: document.clone(),
        header: header(source)?,
        script: split(source)?,
    };
    check_allowances(&file)?;
    Ok(file)
}

/// Reads one SQL file that edu runs, and checks that its header and its statements fit.
///
/// # Errors
/// As [`migrations`], for one file.
pub fn sql_file(document: &Document) -> Result<SqlFile> {
    let source = Source {
        path: &document.path,
        text: &document.text,
    };
    let script = split(source)?;
    let header = header(source)?;
    if script.statements.is_empty() {
        return Err(
            Failure::usage(format!("\"{}\" has no statement", document.path))
                .detail(
                    "An empty migration would be recorded as applied and could never be filled in.",
                )
                .hint("Write the statements, or take the file away."),
        );
    }
    let file = SqlFile {
        document: document.clone(),
        header,
        script,
    };
    check_transactions(&file)?;
    check_allowances(&file)?;
    Ok(file)
}

/// A hazard that does not exist would be taken for one that is allowed.
fn check_allowances(file: &SqlFile) -> Result<()> {
    for allow in &file.header.allow {
        let word = &allow.hazard;
        let failure = |error: String| file.document.failure(allow.span.clone(), error);
        match Hazard::of(word).map(|hazard| hazard.entry().allowance) {
            Some(Allowance::Needed) => {}
            Some(Allowance::Refused) => {
                return Err(failure(format!("hazard `{word}` cannot be allowed"))
                    .hint(format!("See: edu explain {word}")));
            }
            Some(Allowance::NotNeeded) => {
                return Err(failure(format!("hazard `{word}` needs no allowance"))
                    .hint("Take the line out."));
            }
            None if rule::of(word).is_some() => {}
            None => {
                let failure = failure(format!("hazard `{word}` is not known"));
                let rules = rule::ALL.iter().map(|rule| rule.id);
                let near = hazard::nearest(word).or_else(|| nearest(word, rules));
                return Err(match near {
                    Some(nearest) => failure.hint(format!("Did you mean `{nearest}`?")),
                    None => failure.hint("List them all: edu explain"),
                });
            }
        }
    }
    Ok(())
}

fn check_transactions(file: &SqlFile) -> Result<()> {
    let path = &file.document.path;
    for statement in &file.script.statements {
        let first = statement.body.start..statement.body.start + statement.keyword.len().max(1);
        if let Some(name) = controls_transaction(statement) {
            return Err(file
                .document
                .failure(first, format!("\"{path}\" has {name}, which is edu's to say"))
                .detail("edu runs each file in one transaction of its own, together with the history's row.")
                .hint("Take the statement out; use SAVEPOINT for a part that may fail."));
        }
        if let (Some(name), false) = (needs_no_transaction(statement), file.header.no_transaction) {
            return Err(file
                .document
                .failure(
                    first,
                    format!("\"{path}\" has {name}, which the server refuses in a transaction"),
                )
                .detail("Without a transaction each statement stands alone and is journalled.")
                .hint("Put it into a file of its own that starts with: -- edu: no-transaction"));
        }
        if concurrent_index(statement).is_some_and(|index| index.name.is_none()) {
            return Err(file
                .document
                .failure(first, format!("\"{path}\" builds an index without a name"))
                .detail("A build that is broken off leaves an index behind, which can only be found by its name.")
                .hint("Write: CREATE INDEX CONCURRENTLY <name> ON …"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
