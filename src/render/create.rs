//! Statements that make what is missing, whole: with owner, privileges and comment.

use super::routine::routine;
use super::table::{column, column_extras, parts, table, with_sequences};
use super::{grant, words};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::catalog::{Catalog, Facets, Id, Kind};

/// The statements that make an object of `catalog`, its parts included; nothing where the catalog
/// does not know enough (a password, a connection).
pub fn create(id: &Id, catalog: &Catalog, database: &str) -> Option<Vec<String>> {
    let facets = catalog.objects.get(id)?;
    let mut statements = match id.kind {
        Kind::Table => table(id, facets, catalog)?,
        Kind::Column => vec![format!(
            "ALTER TABLE {} ADD COLUMN {}",
            id.on,
            column(id, facets, Some(catalog))
        )],
        Kind::Function | Kind::Procedure => vec![routine(id, facets)?],
        _ => vec![plain(id, facets, database)?],
    };
    finish(id, facets, catalog, database, &mut statements);
    if matches!(id.kind, Kind::Table | Kind::Column) {
        statements = with_sequences(id, catalog, database, statements);
    }
    match id.kind {
        Kind::Table | Kind::View | Kind::MaterializedView => {
            parts(id, catalog, database, &mut statements);
        }
        Kind::ForeignServer => {
            for (part, _) in catalog.parts(Kind::UserMapping, &id.name) {
                statements.extend(create(part, catalog, database).unwrap_or_default());
            }
        }
        _ => {}
    }
    Some(statements)
}

/// One statement makes it.
fn plain(id: &Id, f: &Facets, database: &str) -> Option<String> {
    let Id { on, name, .. } = id;
    let list = |facet: &str| f.items(facet).join(", ");
    Some(match id.kind {
        Kind::Schema => format!("CREATE SCHEMA {name}"),
        Kind::Extension => format!(
            "CREATE EXTENSION {name} WITH SCHEMA {}",
            quote_ident(f.text("schema"))
        ),
        Kind::Enum => {
            let values: Option<Vec<String>> = f
                .items("values")
                .iter()
                .map(|v| quote_literal(v).ok())
                .collect();
            format!("CREATE TYPE {name} AS ENUM ({})", values?.join(", "))
        }
        Kind::Domain => domain(name, f),
        Kind::Composite => format!("CREATE TYPE {name} AS ({})", list("attributes")),
        Kind::Range => format!("CREATE TYPE {name} AS RANGE ({})", f.text("definition")),
        Kind::Sequence => sequence(name, f),
        Kind::View => format!("CREATE VIEW {name}{} AS\n{}", with(f), f.text("definition")),
        Kind::MaterializedView => {
            format!(
                "CREATE MATERIALIZED VIEW {name}{} AS\n{}{}",
                with(f),
                f.text("definition"),
                if f.flag("not_populated") {
                    "\n WITH NO DATA"
                } else {
                    ""
                }
            )
        }
        Kind::Constraint => constraint(id, f),
        Kind::Index => index(id, f),
        Kind::Statistics | Kind::Trigger => f.text("definition").to_owned(),
        Kind::Rule => f.text("definition").trim_end_matches(';').to_owned(),
        Kind::Policy => policy(id, f),
        Kind::Membership => format!(
            "GRANT {name} TO {on} WITH ADMIN {}, INHERIT {}, SET {}",
            f.flag("admin"),
            f.flag("inherit"),
            f.flag("set")
        ),
        Kind::Role => format!("CREATE ROLE {name}{}", role(f)),
        Kind::Setting => super::setting::set_setting(id, f.text("value"), database)?,
        Kind::ExtensionPrivileges if f.text("member") == "function" => {
            grant::member_function(id, &grant::default_of(id), f.items("grants"))?.remove(0)
        }
        Kind::ExtensionPrivileges | Kind::DefaultPrivileges if f.text("member") == "table" => {
            return grant::change(id, database, "", &[], f.items("grants"))
                .map(|statements| statements.join(";\n"));
        }
        Kind::DefaultPrivileges => {
            return grant::change(id, database, "", &grant::default_of(id), f.items("grants"))
                .map(|statements| statements.join(";\n"));
        }
        _ => return super::rare::create(id, f),
    })
}

/// Owner, privileges, state and comment, which have statements of their own.
fn finish(id: &Id, f: &Facets, catalog: &Catalog, database: &str, statements: &mut Vec<String>) {
    statements.extend(words::owner(id, database, f.text("owner")));
    if f.get("owner").is_some()
        && !matches!(
            id.kind,
            Kind::Statistics
                | Kind::Collation
                | Kind::Operator
                | Kind::EventTrigger
                | Kind::Publication
        )
    {
        statements.extend(grant::fresh(
            id,
            database,
            f.text("owner"),
            f.items("grants"),
            catalog,
        ));
    }
    if id.kind == Kind::Role {
        let settings = super::setting::role_settings(id, f.get("settings"), None);
        statements.extend(settings.unwrap_or_default());
    }
    if id.kind == Kind::Column {
        statements.extend(column_extras(id, f, database));
    }
    if matches!(id.kind, Kind::Index | Kind::Constraint) {
        for (facet, words) in [
            ("clustered", "CLUSTER ON"),
            ("replica_identity", "REPLICA IDENTITY USING INDEX"),
        ] {
            if f.flag(facet) {
                statements.push(format!("ALTER TABLE {} {words} {}", id.on, id.name));
            }
        }
    }
    if f.get("enabled").is_some() {
        statements.extend(super::alter::enabled(id, Some(f.text("enabled"))));
    }
    if let Some(text) = f.get("comment").and_then(|c| c.text()) {
        statements.extend(words::comment(id, database, Some(text)));
    }
}

fn domain(name: &str, f: &Facets) -> String {
    let mut sql = format!("CREATE DOMAIN {name} AS {}", f.text("type"));
    if let Some(collation) = f.get("collation") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(default) = f.get("default") {
        sql.push_str(&format!(" DEFAULT {default}"));
    }
    if f.flag("not_null") {
        sql.push_str(" NOT NULL");
    }
    for constraint in f.items("constraints") {
        sql.push_str(&format!(" CONSTRAINT {constraint}"));
    }
    sql
}

pub(super) fn sequence(name: &str, f: &Facets) -> String {
    format!("CREATE SEQUENCE {name} {}", sequence_options(f))
}

pub(super) fn sequence_options(f: &Facets) -> String {
    let value = |facet: &str| f.get(facet).map_or(String::new(), ToString::to_string);
    format!(
        "AS {} INCREMENT BY {} MINVALUE {} MAXVALUE {} START WITH {} CACHE {}{}",
        value("type"),
        value("increment"),
        value("min"),
        value("max"),
        value("start"),
        value("cache"),
        if f.flag("cycle") {
            " CYCLE"
        } else {
            " NO CYCLE"
        }
    )
}

/// What a sequence has that nobody chose.
pub(super) fn sequence_defaults(kind: &str) -> String {
    let max = match kind {
        "smallint" => i64::from(i16::MAX),
        "integer" => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    format!("AS {kind} INCREMENT BY 1 MINVALUE 1 MAXVALUE {max} START WITH 1 CACHE 1 NO CYCLE")
}

pub(super) fn with(f: &Facets) -> String {
    let own = options(f.items("options"));
    let toast: Vec<String> = f
        .items("toast_options")
        .iter()
        .filter_map(|item| {
            let (key, value) = item.split_once('=')?;
            Some(format!(
                "toast.{} = {}",
                quote_ident(key),
                quote_literal(value).ok()?
            ))
        })
        .collect();
    let all: Vec<String> = (!own.is_empty())
        .then_some(own)
        .into_iter()
        .chain(toast)
        .collect();
    match all.as_slice() {
        [] => String::new(),
        all => format!(" WITH ({})", all.join(", ")),
    }
}

/// "m=16" as `m = '16'`.
pub(super) fn options(items: &[Box<str>]) -> String {
    let written: Vec<String> = items
        .iter()
        .filter_map(|item| {
            let (key, value) = item.split_once('=')?;
            Some(format!(
                "{} = {}",
                quote_ident(key),
                quote_literal(value).ok()?
            ))
        })
        .collect();
    written.join(", ")
}

fn constraint(id: &Id, f: &Facets) -> String {
    let mut sql = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {}",
        id.on,
        id.name,
        f.text("definition")
    );
    for (facet, words) in [
        ("deferrable", " DEFERRABLE"),
        ("deferred", " INITIALLY DEFERRED"),
        ("not_enforced", " NOT ENFORCED"),
    ] {
        if f.flag(facet) {
            sql.push_str(words);
        }
    }
    if f.flag("not_validated") && !f.flag("not_enforced") {
        sql.push_str(" NOT VALID");
    }
    sql
}

/// An index, with its parameters before the predicate.
pub(super) fn index(id: &Id, f: &Facets) -> String {
    let unique = if f.flag("unique") { "UNIQUE " } else { "" };
    let definition = f.text("definition");
    let at = definition
        .rfind(" WHERE (")
        .or_else(|| definition.rfind(" WHERE "));
    let (keys, predicate) = definition.split_at(at.unwrap_or(definition.len()));
    format!(
        "CREATE {unique}INDEX {} ON {} USING {keys}{}{predicate}",
        id.name,
        id.on,
        with(f)
    )
}

fn policy(id: &Id, f: &Facets) -> String {
    let mut sql = format!("CREATE POLICY {} ON {}", id.name, id.on);
    if f.flag("restrictive") {
        sql.push_str(" AS RESTRICTIVE");
    }
    sql.push_str(&format!(
        " FOR {} TO {}",
        f.text("command"),
        f.items("roles").join(", ")
    ));
    if let Some(using) = f.get("using") {
        sql.push_str(&format!("\n    USING ({using})"));
    }
    if let Some(check) = f.get("check") {
        sql.push_str(&format!("\n    WITH CHECK ({check})"));
    }
    sql
}

pub(super) fn role(f: &Facets) -> String {
    let mut sql = String::new();
    for (facet, yes, no) in [
        ("superuser", " SUPERUSER", " NOSUPERUSER"),
        ("bypass_rls", " BYPASSRLS", " NOBYPASSRLS"),
        ("create_role", " CREATEROLE", " NOCREATEROLE"),
        ("create_database", " CREATEDB", " NOCREATEDB"),
        ("replication", " REPLICATION", " NOREPLICATION"),
        ("login", " LOGIN", " NOLOGIN"),
        ("no_inherit", " NOINHERIT", " INHERIT"),
    ] {
        sql.push_str(if f.flag(facet) { yes } else { no });
    }
    let limit = f
        .get("connection_limit")
        .map_or("-1".to_owned(), ToString::to_string);
    sql.push_str(&format!(" CONNECTION LIMIT {limit}"));
    if let Ok(until) = quote_literal(f.text("valid_until"))
        && f.get("valid_until").is_some()
    {
        sql.push_str(&format!(" VALID UNTIL {until}"));
    }
    sql
}
