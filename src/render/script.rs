//! Many differences → statements in an order that works.

use super::{create, drop, of_graph, repair_facet};
use crate::catalog::{Catalog, Id, Kind};
use crate::diff::{Change, Difference, Severity};

/// When a statement has to run. The order is that of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A value of an enumerated type: it has to be committed before anything uses it.
    Value,
    /// What others lean on goes first when it goes: policies, triggers, views, keys.
    Drop,
    /// What is made, in the order of its kinds.
    Create,
    /// What leans on more than one new table: foreign keys.
    Join,
    /// What is changed.
    Change,
    /// Constraints that were added without a look at the rows.
    Validate,
    /// Indexes of tables that are in use: each outside a transaction.
    Index,
}

/// How the statements begin that may read any other table.
const OF_POLICIES_AND_RULES: [&str; 5] = [
    "CREATE POLICY ",
    "CREATE RULE ",
    "CREATE OR REPLACE RULE ",
    "COMMENT ON POLICY ",
    "COMMENT ON RULE ",
];

/// One statement, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it runs.
    pub phase: Phase,
    /// The statement without its semicolon.
    pub sql: String,
    /// Why it needs a look, as a sentence.
    pub hazard: Option<String>,
}

/// The statements that turn `actual` into `expected`, and the differences without a statement.
/// `lossy` makes tables and columns go, too: only what the way there itself has made.
pub fn script<'a>(
    differences: &'a [Difference],
    expected: &Catalog,
    actual: &Catalog,
    database: &str,
    lossy: bool,
) -> (Vec<Line>, Vec<&'a Difference>) {
    let mut lines: Vec<(usize, Line)> = Vec::new();
    let mut left = Vec::new();
    let order = creation_order(differences, expected);
    for (at, difference) in order.iter().enumerate() {
        if difference.severity == Severity::Note && difference.facet() != "comment" {
            continue;
        }
        match statements(difference, expected, actual, database, lossy) {
            Some(found) if !found.is_empty() => {
                lines.extend(found.into_iter().map(|line| (at, line)));
            }
            _ => left.push(*difference),
        }
    }
    lines.sort_by_key(|(at, line)| (line.phase, *at));
    (lines.into_iter().map(|(_, line)| line).collect(), left)
}

/// Missing objects by kind, views after what they read; what goes, the other way round.
fn creation_order<'a>(differences: &'a [Difference], expected: &Catalog) -> Vec<&'a Difference> {
    let mut order: Vec<&Difference> = differences.iter().collect();
    order.sort_by_key(|d| {
        let rank = rank(&d.id, expected);
        match d.change {
            Change::Unexpected => (0, usize::MAX - rank, 0, d.id.clone()),
            _ => (1, rank, depth(&d.id, expected, 0), d.id.clone()),
        }
    });
    order
}

/// The place of an object's kind: functions may name tables only in their text, views name functions. A
/// function that the server reads when it is made, or that gives or takes rows of a table, comes behind the
/// relations; a role's setting behind the role.
fn rank(id: &Id, catalog: &Catalog) -> usize {
    let kind = match id.kind {
        Kind::Setting => Kind::Schema,
        Kind::Function | Kind::Procedure if leans_on_relations(id, catalog) => Kind::Index,
        kind => kind,
    };
    Kind::ALL
        .iter()
        .position(|other| *other == kind)
        .unwrap_or(0)
}

fn leans_on_relations(id: &Id, catalog: &Catalog) -> bool {
    let Some(facets) = catalog.objects.get(id) else {
        return false;
    };
    let is_relation = |word: &str| {
        [Kind::Table, Kind::View, Kind::MaterializedView]
            .iter()
            .any(|kind| catalog.objects.contains_key(&Id::new(*kind, "", word)))
    };
    let words = |facet| facets.text(facet).split([' ', ',', '[', '(', ')']);
    facets.flag("sql_body") || words("arguments").chain(words("returns")).any(is_relation)
}

/// How many relations that are views, or parents of a table, lie under a relation.
fn depth(id: &Id, catalog: &Catalog, seen: usize) -> usize {
    let Some(facets) = catalog.objects.get(id).filter(|_| seen < 50) else {
        return 0;
    };
    let below = facets.items("uses").iter().chain(facets.items("inherits"));
    let partition = facets.text("partition_of").split(' ').next().unwrap_or("");
    below
        .map(|name| &**name)
        .chain((!partition.is_empty()).then_some(partition))
        .flat_map(|name| {
            [Kind::View, Kind::MaterializedView, Kind::Table].map(|kind| Id::new(kind, "", name))
        })
        .filter(|other| other != id && catalog.objects.contains_key(other))
        .map(|other| 1 + depth(&other, catalog, seen + 1))
        .max()
        .unwrap_or(0)
}

fn statements(
    difference: &Difference,
    expected: &Catalog,
    actual: &Catalog,
    database: &str,
    lossy: bool,
) -> Option<Vec<Line>> {
    let id = &difference.id;
    if of_graph(difference, expected) {
        return None;
    }
    match &difference.change {
        Change::Missing => Some(making(id, create(id, expected, database)?, expected)),
        Change::Unexpected => match drop(id, actual.objects.get(id)?, database) {
            Some(statements) => Some(lines(Phase::Drop, statements, None)),
            None if lossy => {
                let hazard = "the rows or values in it are lost";
                Some(lines(Phase::Drop, vec![lossy_drop(id)?], Some(hazard)))
            }
            None => None,
        },
        Change::Facet { facet, .. } => {
            let statements = repair_facet(difference, expected, actual, database)?;
            let phase = match (id.kind, *facet) {
                (Kind::Enum, "values") => Phase::Value,
                _ => Phase::Change,
            };
            let hazard = match (id.kind, *facet) {
                (Kind::Column, "type") => {
                    Some("the table is rewritten and locked meanwhile; values may not fit")
                }
                (Kind::Column, "not_null") => {
                    Some("every row is looked at under a lock; it fails where a value is missing")
                }
                _ => None,
            };
            Some(lines(phase, statements, hazard))
        }
    }
}

fn lines(phase: Phase, statements: Vec<String>, hazard: Option<&str>) -> Vec<Line> {
    let hazard = hazard.map(str::to_owned);
    let line = |sql| Line {
        phase,
        sql,
        hazard: hazard.clone(),
    };
    statements.into_iter().map(line).collect()
}

/// The statements that make an object, each in its phase.
fn making(id: &Id, statements: Vec<String>, expected: &Catalog) -> Vec<Line> {
    match id.kind {
        Kind::Constraint => statements
            .into_iter()
            .flat_map(|sql| careful(id, sql, expected))
            .collect(),
        Kind::Index if concurrently(id, expected) => {
            let online = |sql: String| sql.replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
            lines(
                Phase::Index,
                statements.into_iter().map(online).collect(),
                None,
            )
        }
        _ => statements
            .into_iter()
            .map(|sql| {
                // A policy or rule may read any other table.
                let begins = |words: &&str| sql.starts_with(words);
                let joins = sql.contains(" FOREIGN KEY ")
                    || OF_POLICIES_AND_RULES.iter().any(begins)
                    || sql.starts_with("ALTER TABLE ") && sql.contains(" RULE ");
                Line {
                    phase: if joins { Phase::Join } else { Phase::Create },
                    sql,
                    hazard: None,
                }
            })
            .collect(),
    }
}

/// A check or foreign key on a table that is there: first for new rows, then a look at the old ones
/// under a lock that lets writes go on.
fn careful(id: &Id, sql: String, expected: &Catalog) -> Vec<Line> {
    let facets = expected.objects.get(id);
    let kind = facets.map_or("", |facets| facets.text("type"));
    let split = matches!(kind, "check" | "foreign key")
        && sql.contains(" ADD CONSTRAINT ")
        && !sql.ends_with(" NOT VALID")
        && !sql.ends_with(" NOT ENFORCED");
    if !split {
        let hazard = sql
            .contains(" ADD CONSTRAINT ")
            .then(|| "its index is built under a lock that stops writes".to_owned())
            .filter(|_| kind != "check" && kind != "foreign key");
        return vec![Line {
            phase: Phase::Join,
            sql,
            hazard,
        }];
    }
    vec![
        Line {
            phase: Phase::Join,
            sql: format!("{sql} NOT VALID"),
            hazard: None,
        },
        Line {
            phase: Phase::Validate,
            sql: format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", id.on, id.name),
            hazard: None,
        },
    ]
}

/// Never on a graph's label tables, nor on a partitioned table, which the server refuses.
fn concurrently(id: &Id, catalog: &Catalog) -> bool {
    let table = Id::new(Kind::Table, "", &*id.on);
    catalog.parts(Kind::Label, &id.on).next().is_none()
        && catalog.facet(&table, "partition_by").is_none()
}

fn lossy_drop(id: &Id) -> Option<String> {
    match id.kind {
        Kind::Table => Some(format!("DROP TABLE {}", id.name)),
        Kind::Column => Some(format!("ALTER TABLE {} DROP COLUMN {}", id.on, id.name)),
        _ => None,
    }
}
