//! An assignment in words.

use super::decide::Assignment;
use super::formula::Meaning;
use crate::posture::Relation;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;

/// "the row is of another tenant, and (is_public) is true".
pub(super) fn assignment(
    scene: &Scene<'_>,
    table: &Relation,
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
            (Meaning::Owner, Some(true)) => "the row is the user's".to_owned(),
            (Meaning::Owner, Some(false)) => "the row is another user's".to_owned(),
            (Meaning::Owner, None) => "row or session has no user".to_owned(),
            (Meaning::Data(inner) | Meaning::Member(inner) | Meaning::Opaque(inner), _) => {
                format!("{} is {word}", expr(scene, table, inner))
            }
        });
    }
    match parts.is_empty() {
        true => "anything is the case".to_owned(),
        false => parts.join(" and "),
    }
}

/// What an expression is about: its columns, settings, functions and constants.
pub(super) fn expr(scene: &Scene<'_>, table: &Relation, whole: &Expr) -> String {
    let mut parts: Vec<String> = Vec::new();
    whole.walk(&mut |inner| {
        let part = match inner {
            Expr::Column { number, outer: 0 } => table
                .columns
                .iter()
                .find(|c| c.number == *number)
                .map(|c| c.name.clone()),
            Expr::Call(function, _) if scene.readers.contains(function) => {
                Some("current_setting".to_owned())
            }
            Expr::Call(function, _) => scene
                .posture
                .function(*function)
                .map(|f| f.signature.clone()),
            Expr::SubSelect { .. } => Some("a sub-select".to_owned()),
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
