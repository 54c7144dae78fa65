//! What is wrong with SQL files by their text alone: no server, no database.
//!
//! Three sources: the hazards that a plan would see if every table that a file does not make had rows,
//! squawk's rules, and rules of edu's own for row-level security, vectors and graphs. A file takes a finding on
//! with `-- edu: allow <id> reason="…"`. Query files are looked at by [`crate::graph::lint`].

mod hazard;
mod project;
mod squawk;
mod statement;
mod unfold;

use std::collections::BTreeSet;

use crate::spec::document::Document;
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::hazard::Allowance;
use crate::sql::header::Header;
use crate::sql::{hazard as hazards, rule};

pub use unfold::unseen;

/// One thing that a file does wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The rule's or hazard's id.
    pub id: &'static str,
    /// One sentence about this place.
    pub message: String,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The migrations, by version.
    pub migrations: &'a [Migration],
    /// `spec/schema/*.sql`, read.
    pub schema: &'a [SqlFile],
    /// The graph's name, if the project has one.
    pub graph: Option<&'a str>,
    /// The labels that edu keeps tenants apart in, where the ontology says that they are.
    pub isolated: Option<&'a BTreeSet<String>>,
}

/// Everything that is found and that no file takes on.
///
/// # Shape
/// By file and place, each once.
pub fn lint(subject: &Subject<'_>) -> Vec<Found> {
    let whole = project::Whole::of(subject);
    let mut all = Vec::new();
    for migration in subject.migrations {
        let up = &migration.up;
        let mut found = unfold::hazards(up, subject.graph);
        squawk::add(up, &mut found);
        found.extend(statement::found(&unfold::whole(up), &whole));
        found.extend(whole.found(&unfold::at_once(up)));
        found.extend(statement::of_migration(migration));
        all.extend(allowed(found, up, true));
        if let Some(down) = &migration.down {
            let found = statement::found(&unfold::whole(down), &whole);
            all.extend(allowed(found, down, false));
        }
    }
    for file in subject.schema {
        let mut found = statement::found(&unfold::whole(file), &whole);
        found.extend(whole.found(&unfold::at_once(file)));
        all.extend(allowed(found, file, true));
    }
    all.sort();
    all.dedup();
    all
}

/// A finding at a place of a file. `at`: bytes.
fn at(document: &Document, at: usize, id: &'static str, message: impl Into<String>) -> Found {
    let (line, column) = document.excerpt(at..at, "").position();
    Found {
        path: document.path.clone(),
        line,
        column,
        id,
        message: message.into(),
    }
}

/// Takes out what the file allows, and tells of an allowance for nothing. What a way back allows for is
/// looked at when it runs.
fn allowed(found: Vec<Found>, file: &SqlFile, complete: bool) -> Vec<Found> {
    let Header { allow, .. } = &file.header;
    let refused = |id: &str| {
        hazards::Hazard::of(id).is_some_and(|hazard| hazard.entry().allowance == Allowance::Refused)
    };
    let mut used = BTreeSet::new();
    let mut left = Vec::new();
    for one in found {
        if !refused(one.id) && allow.iter().any(|allow| allow.hazard == one.id) {
            used.insert(one.id);
        } else {
            left.push(one);
        }
    }
    for allow in allow.iter().filter(|_| complete) {
        if !used.contains(allow.hazard.as_str()) && rule::of(&allow.hazard).is_some() {
            let message = format!("`{}` is allowed, and nothing here needs it", allow.hazard);
            left.push(at(
                &file.document,
                allow.span.start,
                "allowance-unused",
                message,
            ));
        }
    }
    left
}

#[cfg(test)]
mod tests;
