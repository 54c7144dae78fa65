//! Hazards of a file where every table has rows but those that the file makes.

use super::{Found, at};
use crate::plan::possible;
use crate::spec::migration::SqlFile;
use crate::sql::effect::{Relation, Target};
use crate::sql::hazard::{Allowance, Hazard};

/// The file's hazards, each once per statement.
pub(super) fn found(file: &SqlFile, graph: Option<&str>) -> Vec<Found> {
    let mut all: Vec<Found> = possible(file, graph)
        .into_iter()
        .filter(|one| one.hazard.entry().allowance != Allowance::NotNeeded)
        .map(|one| {
            let statement = &file.script.statements[one.statement];
            let message = format!("{}{}: {}", one.action, on(&one.on), title(one.hazard));
            at(
                &file.document,
                statement.body.start,
                one.hazard.id(),
                message,
            )
        })
        .collect();
    all.dedup_by(|next, one| (next.line, next.id) == (one.line, one.id));
    all
}

fn on(target: &Target) -> String {
    let name = |relation: &Relation| match &relation.schema {
        Some(schema) => format!(" {schema}.{}", relation.name),
        None => format!(" {}", relation.name),
    };
    match target {
        Target::Relation(relation) => format!(" on{}", name(relation)),
        Target::Index(index) => name(index),
        Target::Schema(schema) => format!(" in schema {schema}"),
        Target::Nothing => String::new(),
    }
}

/// The entry's sentence as the second half of one.
fn title(hazard: Hazard) -> String {
    let text = hazard.entry().title.trim_end_matches('.');
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string());
    format!("{}{}", first.unwrap_or_default(), chars.as_str())
}
