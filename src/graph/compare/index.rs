//! A label's indexes, by definition and not by name alone.

use super::Wanted;
use crate::catalog::name::{Name, quote_ident};
use crate::failure::Result;
use crate::graph::expression::{access_to, canonical, member_of, text_of};
use crate::graph::finding::{Finding, Phase};
use crate::graph::live;
use crate::spec::ontology::{GraphIndex, IndexKind, Label};

/// Compares the wanted indexes of a label with those that are there.
pub(super) fn label(
    wanted: Wanted<'_>,
    label: &Label,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let indexes = wanted.ontology.indexes();
    let mut accepted = Vec::new();
    for index in indexes.iter().filter(|index| index.label == label.name) {
        let using = using(index)?;
        let same = |other: &&live::Index| {
            other.unique == index.unique && canonical(&other.using) == canonical(&using)
        };
        let by_name = found.indexes.iter().find(|other| other.name == index.name);
        let good = by_name
            .into_iter()
            .chain(&found.indexes)
            .find(|other| same(other) && other.valid);
        match (good, by_name) {
            (Some(good), None) => accepted.push(good.name.clone()),
            (Some(good), Some(by_name)) if good.name == by_name.name => {
                accepted.push(good.name.clone())
            }
            (_, by_name) => {
                accepted.push(index.name.clone());
                findings.push(absent(wanted, found, index, by_name, &using)?);
            }
        }
    }
    others(found, &accepted, findings);
    Ok(())
}

/// Tells the indexes that no declaration asks for.
fn others(found: &live::Label, accepted: &[String], findings: &mut Vec<Finding>) {
    for index in &found.indexes {
        if accepted.contains(&index.name) {
            continue;
        }
        let object = format!("index {} on {}", index.name, found.label);
        if !index.valid {
            findings.push(Finding::new("index-invalid", object, "it is invalid"));
        } else if !index.of_constraint {
            findings.push(Finding::new(
                "index-undeclared",
                object,
                "graph/ontology.toml has no such index",
            ));
        }
    }
}

fn absent(
    wanted: Wanted<'_>,
    found: &live::Label,
    index: &GraphIndex,
    by_name: Option<&live::Index>,
    using: &str,
) -> Result<Finding> {
    let table = wanted.table(&index.label)?;
    let what = format!("index {} on {}", index.name, index.label);
    let name = quote_ident(&index.name);
    let make = if index.kind == IndexKind::PrimaryKey {
        format!("ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY (id)")
    } else {
        let unique = if index.unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX {name} ON {table} USING {using}")
    };
    let full = Name::new(wanted.ontology.graph.clone(), index.name.clone())?;
    let (id, message, sql) = match by_name {
        None if index.kind == IndexKind::PrimaryKey => (
            "key-missing",
            "its table has no key on graph ids".to_owned(),
            make,
        ),
        None => ("index-missing", "it does not exist".to_owned(), make),
        Some(other) => {
            let drop = if other.of_constraint {
                format!("ALTER TABLE {table} DROP CONSTRAINT {name}")
            } else {
                format!("DROP INDEX {full}")
            };
            let (id, message) = if other.valid {
                let is = if other.unique { "unique " } else { "" };
                (
                    "index-differs",
                    format!("it is {is}{}, declared is {using}", other.using),
                )
            } else {
                ("index-invalid", "it is invalid".to_owned())
            };
            (id, message, format!("{drop}; {make}"))
        }
    };
    let phase = if found.occupied {
        Phase::Build
    } else {
        Phase::Structure
    };
    Ok(Finding::new(id, &what, message)
        .mended_by(phase, &what, sql)
        .over(found.rows))
}

/// What stands behind USING, as the server writes it back.
pub(super) fn using(index: &GraphIndex) -> Result<String> {
    Ok(match index.kind {
        IndexKind::PrimaryKey => "btree (id)".to_owned(),
        IndexKind::Start => "btree (start_id)".to_owned(),
        IndexKind::End => "btree (end_id)".to_owned(),
        IndexKind::Match => "gin (properties)".to_owned(),
        IndexKind::Contains => format!("gin ({})", expressions(index, member_of)?),
        IndexKind::Where => format!("btree ({})", expressions(index, access_to)?),
        IndexKind::Sql => format!("btree ({})", expressions(index, text_of)?),
    })
}

fn expressions(index: &GraphIndex, one: fn(&str) -> Result<String>) -> Result<String> {
    let parts: Result<Vec<String>> = index
        .properties
        .iter()
        .map(|property| Ok(format!("({})", one(property)?)))
        .collect();
    Ok(parts?.join(", "))
}
