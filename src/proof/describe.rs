//! An assignment in words.

use super::carrier::column_of;
use super::decide::Assignment;
use super::formula::Meaning;
use crate::posture::expr::{Expr, Query};
use crate::posture::scene::Scene;
use crate::posture::{Function, Relation};

/// "the row is of another tenant, and (is_public) is true".
pub(super) fn assignment(
    scene: &Scene<'_>,
    rows: &[&Relation],
    atoms: &[Meaning],
    values: &Assignment,
) -> String {
    let mut parts = Vec::new();
    for (meaning, value) in atoms.iter().zip(values) {
        let Some(value) = value else { continue };
        let word = match value {
            Some(true) => "true",
            Some(false) => "false",
            None => "null",
        };
        parts.push(match (meaning, value) {
            (Meaning::Tenant, Some(true)) => "the row is the tenant's".to_owned(),
            (Meaning::Tenant, Some(false)) => "the row is another tenant's".to_owned(),
            (Meaning::Tenant, None) => "row or session has no tenant".to_owned(),
            (Meaning::Fallback(id), Some(true)) => {
                format!(
                    "the session has no context and the row is of {id}, which then stands for it"
                )
            }
            (Meaning::Fallback(_), _) => continue,
            (Meaning::Owner, Some(true)) => "the row is the user's".to_owned(),
            (Meaning::Owner, Some(false)) => "the row is another user's".to_owned(),
            (Meaning::Owner, None) => "row or session has no user".to_owned(),
            (Meaning::Data(inner) | Meaning::Member(inner) | Meaning::Opaque(inner), _) => {
                format!("{} is {word}", expr(scene, rows, inner))
            }
        });
    }
    match parts.is_empty() {
        true => "anything is the case".to_owned(),
        false => parts.join(" and "),
    }
}

/// What an expression is about: its columns, settings, functions and constants.
pub(super) fn expr(scene: &Scene<'_>, rows: &[&Relation], whole: &Expr) -> String {
    let mut parts: Vec<String> = Vec::new();
    whole.walk(&mut |inner| {
        let part = match inner {
            Expr::Column { .. } => column_of(inner).and_then(|(row, number)| {
                let relation = rows.get(row)?;
                let column = relation.columns.iter().find(|c| c.number == number)?;
                Some(match row {
                    0 => column.name.clone(),
                    _ => format!("{}.{}", relation.full_name(), column.name),
                })
            }),
            Expr::Call(function, _) if scene.readers.contains(function) => {
                Some("current_setting".to_owned())
            }
            Expr::Call(function, _) => scene
                .posture
                .function(*function)
                .map(|f| format!("{}{}", f.signature, closed(scene, f))),
            Expr::SubSelect { query, .. } => Some(sub_select(scene, query)),
            Expr::Session(_) => Some("the session's role".to_owned()),
            Expr::Const(..) => inner.as_text().map(|text| format!("'{text}'")),
            Expr::Other(node) => Some(format!(
                "{} that is not interpreted",
                node.tag().to_lowercase()
            )),
            _ => None,
        };
        parts.extend(part.filter(|part| !parts.contains(part)));
    });
    match parts.is_empty() {
        true => "a condition on the server's state".to_owned(),
        false => format!("the condition on {}", parts.join(", ")),
    }
}

/// "a sub-select from public.users".
fn sub_select(scene: &Scene<'_>, query: &Query) -> String {
    let names: Vec<String> = query
        .relations
        .iter()
        .filter_map(|oid| Some(scene.relations.get(oid)?.full_name()))
        .collect();
    match names.is_empty() {
        true => "a sub-select".to_owned(),
        false => format!("a sub-select from {}", names.join(", ")),
    }
}

/// Why a function is not looked into, where the reason is one that can be mended.
fn closed(scene: &Scene<'_>, function: &Function) -> &'static str {
    if scene.body(function.oid).is_some() {
        return "";
    }
    let pinned = function.settings.iter().any(|setting| {
        setting
            .strip_prefix("search_path=")
            .is_some_and(|path| path.trim_end_matches('"').ends_with("pg_temp"))
    });
    match function.volatility {
        'v' => " (VOLATILE: not looked into)",
        _ if function.definer && function.tree.is_none() && !pinned => {
            " (SECURITY DEFINER without a search_path that ends with pg_temp: another table could stand for the one it names)"
        }
        _ => "",
    }
}
