//! Statements that make tables, with their columns, sequences and parts.

use super::create::{create, options, sequence_defaults, sequence_options, with};
use super::{grant, words};
use crate::catalog::name::{Name, parse_ident, quote_ident};
use crate::catalog::{Catalog, Facets, Id, Kind};

/// The sequences that a table's or column's defaults take from come before it, and belong to it after.
pub(super) fn with_sequences(
    id: &Id,
    catalog: &Catalog,
    database: &str,
    statements: Vec<String>,
) -> Vec<String> {
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (sequence, facets) in catalog.of(Kind::Sequence) {
        let owned_by = facets.text("owned_by");
        let ours = match (id.kind, owned_by.rsplit_once('.')) {
            (Kind::Table, Some((table, _))) => *table == *id.name,
            (_, Some((table, column))) => *table == *id.on && *column == *id.name,
            (_, None) => false,
        };
        if ours && facets.flag("identity") {
            let chosen = sequence_options(facets);
            if chosen != sequence_defaults(facets.text("type")) {
                after.push(format!("ALTER SEQUENCE {} {chosen} RESTART", sequence.name));
            }
        } else if ours {
            before.extend(create(sequence, catalog, database).unwrap_or_default());
            after.push(format!(
                "ALTER SEQUENCE {} OWNED BY {owned_by}",
                sequence.name
            ));
        }
    }
    before.into_iter().chain(statements).chain(after).collect()
}

pub(super) fn table(id: &Id, f: &Facets, catalog: &Catalog) -> Option<Vec<String>> {
    if f.get("of_type").is_some() {
        return None;
    }
    let foreign = if f.get("server").is_some() {
        "FOREIGN "
    } else {
        ""
    };
    let unlogged = if f.text("persistence") == "unlogged" {
        "UNLOGGED "
    } else {
        ""
    };
    let by = match f.text("partition_by") {
        "" => String::new(),
        by => format!(" PARTITION BY {by}"),
    };
    let head = format!("CREATE {foreign}{unlogged}TABLE {}", id.name);
    let elsewhere = match f.text("server") {
        "" => String::new(),
        server => format!(
            " SERVER {}{}",
            quote_ident(server),
            super::rare::given(f.items("server_options"))?
        ),
    };
    let mut statements = Vec::new();
    let body = match (f.items("inherits"), f.text("partition_of")) {
        (_, of) if !of.is_empty() => format!(" PARTITION OF {of}"),
        (parents, _) => {
            let columns: Vec<String> = f
                .items("columns")
                .iter()
                .filter_map(|name| {
                    let id = Id::new(Kind::Column, &*id.name, &**name);
                    let facets = catalog.objects.get(&id)?;
                    (!facets.flag("inherited"))
                        .then(|| format!("\n    {}", column(&id, facets, Some(catalog))))
                })
                .collect();
            let inherits = if parents.is_empty() {
                String::new()
            } else {
                format!(" INHERITS ({})", parents.join(", "))
            };
            format!(" ({}\n){inherits}", columns.join(","))
        }
    };
    statements.push(format!("{head}{body}{by}{elsewhere}{}", with(f)));
    statements.extend(own_defaults(id, f, catalog));
    if let identity @ ("full" | "nothing") = f.text("replica_identity") {
        let word = identity.to_uppercase();
        statements.push(format!("ALTER TABLE {} REPLICA IDENTITY {word}", id.name));
    }
    if f.flag("row_security") {
        statements.push(format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", id.name));
    }
    if f.flag("forced") {
        statements.push(format!("ALTER TABLE {} FORCE ROW LEVEL SECURITY", id.name));
    }
    Some(statements)
}

/// The defaults that a child or partition has of its own.
fn own_defaults(id: &Id, f: &Facets, catalog: &Catalog) -> Vec<String> {
    let of = f.text("partition_of").split(' ').next().unwrap_or("");
    let parents: Vec<&str> = f
        .items("inherits")
        .iter()
        .map(|p| &**p)
        .chain([of])
        .collect();
    let mut statements = Vec::new();
    for name in f.items("columns") {
        let default = |table: &str| {
            let facets = catalog
                .objects
                .get(&Id::new(Kind::Column, table, &**name))?;
            let plain = facets.text("generated").is_empty() && facets.text("identity").is_empty();
            plain.then(|| (facets.flag("inherited"), facets.text("default").to_owned()))
        };
        let Some((true, own)) = default(&id.name) else {
            continue;
        };
        let Some((_, given)) = parents.iter().find_map(|parent| default(parent)) else {
            continue;
        };
        let alter = format!("ALTER TABLE {} ALTER COLUMN {name}", id.name);
        match own.as_str() {
            own if own == given => {}
            "" => statements.push(format!("{alter} DROP DEFAULT")),
            own => statements.push(format!("{alter} SET DEFAULT {own}")),
        }
    }
    statements
}

/// The parts of a table that its CREATE does not make, in an order that works.
pub(super) fn parts(id: &Id, catalog: &Catalog, database: &str, statements: &mut Vec<String>) {
    for name in catalog
        .facet(id, "columns")
        .map_or(&[][..], |list| list.items())
    {
        let column = Id::new(Kind::Column, &*id.name, &**name);
        if let Some(facets) = catalog.objects.get(&column) {
            statements.extend(column_extras(&column, facets, database));
            if let Some(text) = facets.get("comment").and_then(|c| c.text()) {
                statements.extend(words::comment(&column, database, Some(text)));
            }
        }
    }
    for kind in [
        Kind::Constraint,
        Kind::Index,
        Kind::Rule,
        Kind::Trigger,
        Kind::Policy,
    ] {
        let mut found: Vec<&Id> = catalog
            .parts(kind, &id.name)
            .map(|(part, _)| part)
            .collect();
        // A foreign key may need the unique constraint of its own table.
        found.sort_by_key(|part| {
            catalog
                .facet(part, "type")
                .is_some_and(|t| t.text() == Some("foreign key"))
        });
        for part in found {
            statements.extend(create(part, catalog, database).unwrap_or_default());
        }
    }
}

/// A column as CREATE TABLE and ADD COLUMN want it; of an identity column, with the sequence that the catalog
/// has for it.
pub(super) fn column(id: &Id, f: &Facets, catalog: Option<&Catalog>) -> String {
    let mut sql = format!("{} {}", id.name, f.text("type"));
    sql.push_str(&super::rare::given(f.items("server_options")).unwrap_or_default());
    if let Some(collation) = f.get("collation") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    match (f.text("generated"), f.text("identity"), f.text("default")) {
        ("", "", "") => {}
        ("", "", default) => sql.push_str(&format!(" DEFAULT {default}")),
        ("", identity, _) => sql.push_str(&format!(
            " GENERATED {} AS IDENTITY{}",
            identity.to_uppercase(),
            catalog.map_or(String::new(), |catalog| sequence_name(id, catalog))
        )),
        (kind, _, expression) => sql.push_str(&format!(
            " GENERATED ALWAYS AS ({expression}) {}",
            kind.to_uppercase()
        )),
    }
    if f.flag("not_null") {
        sql.push_str(" NOT NULL");
    }
    sql
}

/// The name of an identity column's sequence, where the server would not choose the same: the table or the
/// column was renamed since.
pub(super) fn sequence_name(id: &Id, catalog: &Catalog) -> String {
    let owner = format!("{}.{}", id.on, id.name);
    let chosen = catalog
        .of(Kind::Sequence)
        .find(|(_, facets)| facets.flag("identity") && facets.text("owned_by") == owner)
        .map(|(sequence, _)| &*sequence.name);
    let usual = || {
        let table: Name = id.on.parse().ok()?;
        let column = parse_ident(&id.name).ok()?;
        Name::new(table.schema, format!("{}_{column}_seq", table.name)).ok()
    };
    match chosen {
        Some(name) if usual().is_none_or(|usual| usual.to_string() != name) => {
            format!(" (SEQUENCE NAME {name})")
        }
        _ => String::new(),
    }
}

pub(super) fn column_extras(id: &Id, f: &Facets, database: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", id.on, id.name);
    for (facet, word) in [
        ("storage", "STORAGE"),
        ("compression", "COMPRESSION"),
        ("statistics", "STATISTICS"),
    ] {
        if let Some(value) = f.get(facet) {
            statements.push(format!("{alter} SET {word} {value}"));
        }
    }
    if !f.items("options").is_empty() {
        statements.push(format!("{alter} SET ({})", options(f.items("options"))));
    }
    statements.extend(grant::change(id, database, "", &[], f.items("grants")).unwrap_or_default());
    statements
}
