//! Statements that make what is missing, whole: with owner, privileges and comment.

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
            column(id, facets)
        )],
        Kind::Function | Kind::Procedure => vec![routine(id, facets)?],
        _ => vec![plain(id, facets, database)?],
    };
    finish(id, facets, catalog, database, &mut statements);
    if matches!(id.kind, Kind::Table | Kind::Column) {
        statements = with_sequences(id, catalog, database, statements);
    }
    if id.kind == Kind::Table {
        parts(id, catalog, database, &mut statements);
    }
    Some(statements)
}

/// The sequences that a table's or column's defaults take from come before it, and belong to it after.
fn with_sequences(
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
        if ours && !facets.flag("identity") {
            before.extend(create(sequence, catalog, database).unwrap_or_default());
            after.push(format!(
                "ALTER SEQUENCE {} OWNED BY {owned_by}",
                sequence.name
            ));
        }
    }
    before.into_iter().chain(statements).chain(after).collect()
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
                "CREATE MATERIALIZED VIEW {name}{} AS\n{}",
                with(f),
                f.text("definition")
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
        Kind::Setting => super::alter::set_setting(id, f.text("value"), database)?,
        Kind::EventTrigger => event_trigger(name, f),
        Kind::Publication => publication(name, f),
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
        _ => return None,
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
        let settings = super::alter::role_settings(id, f.get("settings"), None);
        statements.extend(settings.unwrap_or_default());
    }
    if id.kind == Kind::Column {
        statements.extend(column_extras(id, f, database));
    }
    if f.get("enabled").is_some() {
        statements.extend(super::alter::enabled(id, Some(f.text("enabled"))));
    }
    if let Some(text) = f.get("comment").and_then(|c| c.text()) {
        statements.extend(words::comment(id, database, Some(text)));
    }
}

fn table(id: &Id, f: &Facets, catalog: &Catalog) -> Option<Vec<String>> {
    if f.get("server").is_some() || f.get("of_type").is_some() {
        return None;
    }
    let unlogged = if f.text("persistence") == "unlogged" {
        "UNLOGGED "
    } else {
        ""
    };
    let by = match f.text("partition_by") {
        "" => String::new(),
        by => format!(" PARTITION BY {by}"),
    };
    let head = format!("CREATE {unlogged}TABLE {}", id.name);
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
                    (!facets.flag("inherited")).then(|| format!("\n    {}", column(&id, facets)))
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
    statements.push(format!("{head}{body}{by}{}", with(f)));
    if f.flag("row_security") {
        statements.push(format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", id.name));
    }
    if f.flag("forced") {
        statements.push(format!("ALTER TABLE {} FORCE ROW LEVEL SECURITY", id.name));
    }
    Some(statements)
}

/// The parts of a table that its CREATE does not make, in an order that works.
fn parts(id: &Id, catalog: &Catalog, database: &str, statements: &mut Vec<String>) {
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

/// A column as CREATE TABLE and ADD COLUMN want it.
pub(super) fn column(id: &Id, f: &Facets) -> String {
    let mut sql = format!("{} {}", id.name, f.text("type"));
    if let Some(collation) = f.get("collation") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    match (f.text("generated"), f.text("identity"), f.text("default")) {
        ("", "", "") => {}
        ("", "", default) => sql.push_str(&format!(" DEFAULT {default}")),
        ("", identity, _) => sql.push_str(&format!(
            " GENERATED {} AS IDENTITY",
            identity.to_uppercase()
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

fn column_extras(id: &Id, f: &Facets, database: &str) -> Vec<String> {
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

/// A function or procedure. Source: what `pg_get_functiondef` writes.
pub(super) fn routine(id: &Id, f: &Facets) -> Option<String> {
    let word = if id.kind == Kind::Procedure {
        "PROCEDURE"
    } else {
        "FUNCTION"
    };
    if f.get("library").is_some() {
        return None;
    }
    let mut sql = format!(
        "CREATE OR REPLACE {word} {}({})",
        words::routine(&id.name),
        f.text("arguments")
    );
    if id.kind == Kind::Function {
        sql.push_str(&format!("\n RETURNS {}", f.text("returns")));
    }
    sql.push_str(&format!("\n LANGUAGE {}", quote_ident(f.text("language"))));
    let mut word = |there: bool, text: &str| {
        if there {
            sql.push_str(&format!("\n {text}"));
        }
    };
    word(f.flag("window"), "WINDOW");
    word(
        f.text("volatility") != "volatile" && id.kind == Kind::Function,
        &f.text("volatility").to_uppercase(),
    );
    word(f.flag("leakproof"), "LEAKPROOF");
    word(f.flag("strict"), "STRICT");
    word(f.flag("security_definer"), "SECURITY DEFINER");
    word(
        f.get("parallel").is_some(),
        &format!("PARALLEL {}", f.text("parallel").to_uppercase()),
    );
    word(f.get("cost").is_some(), &format!("COST {}", f.text("cost")));
    word(f.get("rows").is_some(), &format!("ROWS {}", f.text("rows")));
    word(
        f.get("support").is_some(),
        &format!("SUPPORT {}", routine_of(f.text("support"))),
    );
    for item in f.items("settings") {
        let (name, value) = item.split_once('=')?;
        sql.push_str(&format!(
            "\n SET {} TO {}",
            quote_setting(name),
            setting_value(name, value)?
        ));
    }
    if f.flag("sql_body") {
        sql.push_str(&format!("\n{}", f.text("body")));
    } else {
        let tag = dollar_tag(f.text("body"));
        sql.push_str(&format!("\nAS {tag}{}{tag}", f.text("body")));
    }
    Some(sql)
}

fn routine_of(name: &str) -> &str {
    words::routine(name)
}

/// A dollar quote that the body does not hold.
fn dollar_tag(body: &str) -> String {
    let mut tag = "$function$".to_owned();
    while body.contains(&tag) {
        tag.insert(tag.len() - 1, 'x');
    }
    tag
}

/// A setting's name; one with a prefix keeps its point.
pub(super) fn quote_setting(name: &str) -> String {
    name.split('.')
        .map(quote_ident)
        .collect::<Vec<_>>()
        .join(".")
}

/// A setting's value. Lists of names are stored with their elements quoted, and must not be quoted
/// again as a whole. Source: `GUC_LIST_QUOTE`.
pub(super) fn setting_value(name: &str, value: &str) -> Option<String> {
    const LISTS: [&str; 5] = [
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
    ];
    if !LISTS.contains(&name) {
        return quote_literal(value).ok();
    }
    let items: Option<Vec<String>> = value
        .split(',')
        .map(|item| quote_literal(item.trim().trim_matches('"')).ok())
        .collect();
    Some(items?.join(", "))
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

fn with(f: &Facets) -> String {
    match f.items("options") {
        [] => String::new(),
        items => format!(" WITH ({})", options(items)),
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
    let (keys, predicate) = match definition.rfind(") WHERE (") {
        Some(at) => definition.split_at(at + 1),
        None => (definition, ""),
    };
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
    sql
}

fn event_trigger(name: &str, f: &Facets) -> String {
    let tags: Vec<String> = f
        .items("tags")
        .iter()
        .filter_map(|t| quote_literal(t).ok())
        .collect();
    let when = if tags.is_empty() {
        String::new()
    } else {
        format!(" WHEN TAG IN ({})", tags.join(", "))
    };
    format!(
        "CREATE EVENT TRIGGER {name} ON {}{when} EXECUTE FUNCTION {}()",
        f.text("event"),
        words::routine(f.text("function"))
    )
}

fn publication(name: &str, f: &Facets) -> String {
    let mut what: Vec<String> = f
        .items("tables")
        .iter()
        .map(|t| format!("TABLE {t}"))
        .collect();
    what.extend(
        f.items("schemas")
            .iter()
            .map(|s| format!("TABLES IN SCHEMA {}", quote_ident(s))),
    );
    let what = match (f.flag("all_tables"), what.as_slice()) {
        (true, _) => " FOR ALL TABLES".to_owned(),
        (false, []) => String::new(),
        (false, what) => format!(" FOR {}", what.join(", ")),
    };
    let root = if f.flag("via_root") {
        ", publish_via_partition_root = true"
    } else {
        ""
    };
    format!(
        "CREATE PUBLICATION {name}{what} WITH (publish = '{}'{root})",
        f.text("publishes")
    )
}
