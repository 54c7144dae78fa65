//! Statements that change enumerated types, domains and sequences.

use super::alter::Context;
use super::create::sequence_options;
use crate::catalog::name::quote_literal;
use crate::catalog::{Id, Value};

pub(super) fn sequence(context: &Context<'_>, facet: &str) -> Option<Vec<String>> {
    let id = context.id;
    let wanted = context.wanted()?;
    let sql = match facet {
        "behind" => {
            let (table, column) = wanted.text("owned_by").rsplit_once('.')?;
            format!(
                "SELECT pg_catalog.setval({}, (SELECT pg_catalog.max({column}) FROM {table}))",
                quote_literal(&id.name).ok()?
            )
        }
        "owned_by" => match wanted.text("owned_by") {
            "" => format!("ALTER SEQUENCE {} OWNED BY NONE", id.name),
            column => format!("ALTER SEQUENCE {} OWNED BY {column}", id.name),
        },
        "identity" | "persistence" => return None,
        _ => format!("ALTER SEQUENCE {} {}", id.name, sequence_options(wanted)),
    };
    Some(vec![sql])
}

/// Values can be added at their place; they cannot be removed or put in another order.
pub(super) fn enum_values(
    id: &Id,
    wanted: Option<&Value>,
    found: Option<&Value>,
) -> Option<Vec<String>> {
    let (wanted, found) = (wanted?.items(), found?.items());
    let kept: Vec<&Box<str>> = wanted
        .iter()
        .filter(|value| found.contains(value))
        .collect();
    if !kept.iter().copied().eq(found.iter()) {
        return None;
    }
    let mut statements = Vec::new();
    for (at, value) in wanted
        .iter()
        .enumerate()
        .filter(|(_, value)| !found.contains(value))
    {
        let place = match (
            at.checked_sub(1).map(|before| &wanted[before]),
            found.first(),
        ) {
            (Some(before), _) => format!(" AFTER {}", quote_literal(before).ok()?),
            (None, Some(first)) => format!(" BEFORE {}", quote_literal(first).ok()?),
            (None, None) => String::new(),
        };
        statements.push(format!(
            "ALTER TYPE {} ADD VALUE {}{place}",
            id.name,
            quote_literal(value).ok()?
        ));
    }
    Some(statements)
}

pub(super) fn domain(
    context: &Context<'_>,
    facet: &str,
    wanted: Option<&Value>,
) -> Option<Vec<String>> {
    let alter = format!("ALTER DOMAIN {}", context.id.name);
    let sql = match (facet, wanted) {
        ("not_null", Some(_)) => format!("{alter} SET NOT NULL"),
        ("not_null", None) => format!("{alter} DROP NOT NULL"),
        ("default", Some(value)) => format!("{alter} SET DEFAULT {value}"),
        ("default", None) => format!("{alter} DROP DEFAULT"),
        _ => return None,
    };
    Some(vec![sql])
}
