//! How an object is named in a statement.

use crate::catalog::name::quote_literal;
use crate::catalog::{Id, Kind};

/// "TABLE public.t", "COLUMN public.t.c", "POLICY p ON public.t": as COMMENT ON wants it.
pub(super) fn object(id: &Id, database: &str) -> Option<String> {
    let Id { kind, on, name } = id;
    let word = match kind {
        Kind::Database => return Some(format!("DATABASE {database}")),
        Kind::Column => return Some(format!("COLUMN {on}.{name}")),
        Kind::Constraint => return Some(format!("CONSTRAINT {name} ON {on}")),
        Kind::Policy => return Some(format!("POLICY {name} ON {on}")),
        Kind::Trigger => return Some(format!("TRIGGER {name} ON {on}")),
        Kind::Rule => return Some(format!("RULE {name} ON {on}")),
        Kind::Index => return Some(format!("INDEX {}", index(id))),
        Kind::Role => "ROLE",
        Kind::Schema => "SCHEMA",
        Kind::Extension => "EXTENSION",
        Kind::Collation => "COLLATION",
        Kind::Enum | Kind::Composite | Kind::Range => "TYPE",
        Kind::Domain => "DOMAIN",
        Kind::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
        Kind::ForeignServer => "SERVER",
        Kind::Sequence => "SEQUENCE",
        Kind::Function => "FUNCTION",
        Kind::Procedure => "PROCEDURE",
        Kind::Aggregate => "AGGREGATE",
        Kind::Cast => "CAST",
        Kind::Operator => "OPERATOR",
        Kind::Table => "TABLE",
        Kind::View => "VIEW",
        Kind::MaterializedView => "MATERIALIZED VIEW",
        Kind::Statistics => "STATISTICS",
        Kind::EventTrigger => "EVENT TRIGGER",
        Kind::Publication => "PUBLICATION",
        Kind::Subscription => "SUBSCRIPTION",
        _ => return None,
    };
    Some(format!("{word} {name}"))
}

/// An index lives in its table's schema.
pub(super) fn index(id: &Id) -> String {
    format!("{}.{}", schema(&id.on), id.name)
}

/// The schema of a qualified, quoted name.
pub(super) fn schema(name: &str) -> &str {
    if let Some(rest) = name.strip_prefix('"') {
        let mut at = 0;
        let bytes = rest.as_bytes();
        while at < bytes.len() {
            if bytes[at] == b'"' {
                if bytes.get(at + 1) != Some(&b'"') {
                    return &name[..at + 2];
                }
                at += 1;
            }
            at += 1;
        }
        return name;
    }
    name.split_once('.').map_or(name, |(schema, _)| schema)
}

/// A comment statement.
pub(super) fn comment(id: &Id, database: &str, text: Option<&str>) -> Option<String> {
    let text = match text {
        Some(text) => quote_literal(text).ok()?,
        None => "NULL".to_owned(),
    };
    Some(format!("COMMENT ON {} IS {text}", object(id, database)?))
}

/// An owner statement; nothing where the owner is a superuser, whose name the place decides.
pub(super) fn owner(id: &Id, database: &str, owner: &str) -> Option<String> {
    if owner.is_empty() || owner == "(superuser)" {
        return None;
    }
    let owner = crate::catalog::name::quote_ident(owner);
    Some(format!("ALTER {} OWNER TO {owner}", object(id, database)?))
}

/// The name of a routine without its argument types.
pub(super) fn routine(name: &str) -> &str {
    name.rfind('(').map_or(name, |at| &name[..at])
}
