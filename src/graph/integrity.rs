//! What no constraint can say about a graph's rows, as questions that the server answers in sets.
//!
//! Each probe counts first; only a count above zero is worth looking for examples. Memory stays with
//! the server and within its `work_mem`, whatever the graph's size.

use super::compare::Wanted;
use super::expression::{canonical, text_of};
use super::live::{self, Live};
use super::schema::{RuleKind, checks, rules};
use crate::catalog::name::{Name, quote_ident};
use crate::failure::Result;
use crate::spec::ontology::{IndexKind, Label, LabelKind};

mod edge;

/// How many examples a finding shows.
pub const EXAMPLES: usize = 3;

/// One question.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The code of what it finds.
    pub code: &'static str,
    /// What it is about: "label Concept, property confidence".
    pub object: String,
    /// What the counted rows are, worded to follow a number: "edges whose start is gone".
    pub counted: String,
    /// FROM and WHERE of the rows that are wrong.
    pub from: String,
    /// What names a row.
    pub example: String,
    /// The statement that mends it without losing anything that can be reached.
    pub fix: Option<String>,
}

impl Probe {
    /// Counts the wrong rows.
    pub fn count(&self) -> String {
        format!("SELECT pg_catalog.count(*) FROM {}", self.from)
    }

    /// Names some of them.
    pub fn examples(&self) -> String {
        format!(
            "SELECT ({})::text FROM {} LIMIT {EXAMPLES}",
            self.example, self.from
        )
    }
}

/// The rules of one label's properties.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The label.
    pub label: String,
    /// The server has proved them already, by valid constraints that say the same.
    pub proved: bool,
    /// Counts the rows that break any of them.
    pub any: String,
    /// One probe per rule.
    pub rules: Vec<Probe>,
}

/// The rules of every label that has a table.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn schemas(wanted: Wanted<'_>, live: &Live) -> Result<Vec<Schema>> {
    let mut schemas = Vec::new();
    for (label, found) in labels(wanted, live) {
        let table = wanted.table(&label.name)?;
        let checks = checks(label)?;
        let all: Vec<String> = checks
            .iter()
            .map(|check| format!("({})", check.condition))
            .collect();
        let broken = format!("ONLY {table} WHERE NOT ({})", all.join(" AND "));
        let probes = rules(label)?
            .into_iter()
            .map(|rule| Probe {
                code: code(rule.kind),
                object: match rule.property.as_str() {
                    "" => format!("label {}", label.name),
                    property => format!("label {}, property {property}", label.name),
                },
                counted: format!("{} {}", rows(label), wrong(rule.kind)),
                from: format!("{broken} AND NOT ({})", rule.condition),
                example: named(&rule.property),
                fix: None,
            })
            .collect();
        schemas.push(Schema {
            label: label.name.clone(),
            proved: checks.iter().all(|check| {
                found.constraints.iter().any(|other| {
                    other.name == check.name
                        && other.validated
                        && canonical(&other.condition) == canonical(&check.condition)
                })
            }),
            any: format!("SELECT pg_catalog.count(*) FROM {broken}"),
            rules: probes,
        });
    }
    Ok(schemas)
}

/// Everything beyond property schemas: ends, tenants, ids, and what tables and graph say of each other.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn probes(wanted: Wanted<'_>, live: &Live) -> Result<Vec<Probe>> {
    let mut probes = Vec::new();
    for (label, found) in labels(wanted, live) {
        probes.push(label_ids(wanted, label, found)?);
        probes.extend(duplicates(wanted, label, found)?);
        if label.kind == LabelKind::Edge {
            probes.push(edge::orphans(wanted, label)?);
            probes.extend(edge::ends(wanted, live, label)?);
            probes.push(edge::tenants(wanted, label)?);
        }
        for property in &label.properties {
            if let Some(column) = &property.references {
                let table = wanted.table(&label.name)?;
                let text = text_of(&property.name)?;
                let (other, column_name) = (&column.table, quote_ident(&column.column));
                probes.push(Probe {
                    code: "data-reference",
                    object: format!("label {}, property {}", label.name, property.name),
                    counted: format!("values that {column} does not have"),
                    from: format!(
                        "(SELECT DISTINCT {text} AS value FROM ONLY {table}) x WHERE x.value IS NOT NULL \
                         AND NOT EXISTS (SELECT FROM {other} r WHERE (r.{column_name})::text = x.value)"
                    ),
                    example: "x.value".to_owned(),
                    fix: None,
                });
            }
        }
    }
    links(wanted, live, &mut probes)?;
    Ok(probes)
}

/// What tables say of vertices.
fn links(wanted: Wanted<'_>, live: &Live, probes: &mut Vec<Probe>) -> Result<()> {
    for link in &wanted.ontology.links {
        if live.label(&link.vertex).is_none() {
            continue;
        }
        let vertex = wanted.table(&link.vertex)?;
        let (table, column) = (&link.column.table, quote_ident(&link.column.column));
        probes.push(Probe {
            code: "data-link",
            object: format!("column {}", link.column),
            counted: format!("rows that name no vertex of {}", link.vertex),
            from: format!(
                "{table} r WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM (SELECT DISTINCT {} AS value FROM ONLY {vertex}) x \
                 WHERE x.value = (r.{column})::text)",
                text_of(&link.property)?
            ),
            example: format!("r.{column}"),
            fix: None,
        });
    }
    Ok(())
}

/// How many vertices no row of a linked table names: worth knowing, no defect.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn unlinked(wanted: Wanted<'_>, live: &Live) -> Result<Vec<Probe>> {
    let links = wanted
        .ontology
        .links
        .iter()
        .filter(|link| live.label(&link.vertex).is_some());
    links
        .map(|link| {
            let vertex = wanted.table(&link.vertex)?;
            let (table, column) = (&link.column.table, quote_ident(&link.column.column));
            let text = text_of(&link.property)?;
            Ok(Probe {
                code: "data-unlinked",
                object: format!("label {}", link.vertex),
                counted: format!("vertices that {} does not name", link.column),
                from: format!(
                    "ONLY {vertex} v WHERE NOT EXISTS (SELECT FROM {table} r WHERE (r.{column})::text = {text})"
                ),
                example: text,
                fix: None,
            })
        })
        .collect()
}

/// The declared labels that have a table of the right kind.
fn labels<'a>(wanted: Wanted<'a>, live: &'a Live) -> Vec<(&'a Label, &'a live::Label)> {
    let labels = wanted.ontology.labels.iter();
    labels
        .filter_map(|label| Some((label, live.label(&label.name)?)))
        .filter(|(label, found)| (found.kind == "v") == (label.kind == LabelKind::Vertex))
        .filter(|(label, found)| found.relation.as_deref() == Some(label.name.as_str()))
        .collect()
}

fn rows(label: &Label) -> &'static str {
    match label.kind {
        LabelKind::Vertex => "vertices",
        LabelKind::Edge => "edges",
    }
}

const fn code(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Required => "data-required",
        RuleKind::Type => "data-type",
        RuleKind::Enum => "data-enum",
        RuleKind::Range => "data-range",
        RuleKind::Length => "data-length",
        RuleKind::Unknown => "data-unknown",
    }
}

const fn wrong(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Required => "lack it",
        RuleKind::Type => "have it with another type",
        RuleKind::Enum => "have none of the declared words",
        RuleKind::Range => "have a number out of bounds",
        RuleKind::Length => "have too short a value",
        RuleKind::Unknown => "have properties that are not declared",
    }
}

/// A row by its graph id, with the value of a property.
fn named(property: &str) -> String {
    match text_of(property) {
        Ok(text) if !property.is_empty() => {
            format!(
                "ag_catalog.graphid_out(id)::text || COALESCE(' has ' || pg_catalog.left({text}, 60), '')"
            )
        }
        _ => "ag_catalog.graphid_out(id)::text".to_owned(),
    }
}

fn label_ids(wanted: Wanted<'_>, label: &Label, found: &live::Label) -> Result<Probe> {
    let table = wanted.table(&label.name)?;
    Ok(Probe {
        code: "data-label-id",
        object: format!("label {}", label.name),
        counted: format!("{} with the graph id of another label", rows(label)),
        from: format!(
            "ONLY {table} WHERE ag_catalog._extract_label_id(id)::integer <> {}",
            found.id
        ),
        example: named(""),
        fix: None,
    })
}

/// Repeated ids, where no valid index rules them out already.
fn duplicates(wanted: Wanted<'_>, label: &Label, found: &live::Label) -> Result<Vec<Probe>> {
    let table = wanted.table(&label.name)?;
    let mut probes = Vec::new();
    let mut add = |what: &str, expression: &str| {
        probes.push(Probe {
            code: "data-duplicate-id",
            object: format!("label {}", label.name),
            counted: format!("values of {what} that more than one of its {} has", rows(label)),
            from: format!(
                "(SELECT {expression} AS value FROM ONLY {table} WHERE {expression} IS NOT NULL GROUP BY 1 HAVING pg_catalog.count(*) > 1) x"
            ),
            example: "x.value".to_owned(),
            fix: None,
        });
    };
    let has = |using: &str| {
        found
            .indexes
            .iter()
            .any(|index| index.unique && index.valid && canonical(&index.using) == canonical(using))
    };
    if !has("btree (id)") {
        add("the graph id", "ag_catalog.graphid_out(id)::text");
    }
    for index in label
        .listed
        .iter()
        .filter(|index| index.unique && index.kind == IndexKind::Where)
    {
        let keys: Result<Vec<String>> = index
            .properties
            .iter()
            .map(|property| text_of(property))
            .collect();
        let keys = keys?;
        let accesses: Result<Vec<String>> = index
            .properties
            .iter()
            .map(|property| super::expression::access_to(property))
            .collect();
        if !has(&format!("btree ({})", accesses?.join(", "))) {
            let what = index.properties.join(" and ");
            add(
                &what,
                &format!(
                    "NULLIF(pg_catalog.concat_ws(' | ', {}), '')",
                    keys.join(", ")
                ),
            );
        }
    }
    Ok(probes)
}

/// Which of the names a probe needs does not exist: a table of `references` or of a link.
pub fn tables(wanted: Wanted<'_>) -> Vec<Name> {
    let ontology = wanted.ontology;
    let references = ontology.labels.iter().flat_map(|label| &label.properties);
    let references = references.filter_map(|property| property.references.as_ref());
    let links = ontology.links.iter().map(|link| &link.column);
    let mut tables: Vec<Name> = references
        .chain(links)
        .map(|column| column.table.clone())
        .collect();
    tables.sort();
    tables.dedup();
    tables
}
