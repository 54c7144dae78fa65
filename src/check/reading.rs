//! How an expression reads the context's settings.

use crate::posture::expr::Expr;
use crate::posture::scene::Scene;

/// One call of `current_setting`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The setting, where its name is a constant.
    pub(super) setting: Option<String>,
    /// The form that raises when the setting was never set.
    pub(super) one_argument: bool,
    /// `''` becomes NULL.
    pub(super) nullified: bool,
    /// COALESCE puts another value in its place.
    pub(super) fallback: bool,
}

/// Every reading of an expression, in order.
pub(super) fn readings(scene: &Scene<'_>, expr: &Expr) -> Vec<Reading> {
    let mut found = Vec::new();
    read(scene, expr, false, false, &mut found);
    found
}

fn read(scene: &Scene<'_>, expr: &Expr, nullified: bool, fallback: bool, found: &mut Vec<Reading>) {
    let mut all = |items: &[Expr], nullified, fallback| {
        items
            .iter()
            .for_each(|item| read(scene, item, nullified, fallback, found));
    };
    match expr {
        Expr::Call(function, arguments) if scene.readers.contains(function) => {
            let missing_ok = arguments.get(1).and_then(Expr::as_bool) == Some(Some(true));
            found.push(Reading {
                setting: arguments.first().and_then(Expr::as_text),
                one_argument: !missing_ok,
                nullified,
                fallback,
            });
        }
        Expr::NullIf(_, items) => {
            let empty = items.get(1).and_then(Expr::as_text).as_deref() == Some("");
            all(items, nullified || empty, fallback);
        }
        // COALESCE(condition, false) is a condition; COALESCE(setting, value) is another tenant.
        Expr::Coalesce(items) => {
            let condition = items.last().and_then(Expr::as_bool) == Some(Some(false));
            all(items, nullified, fallback || !condition);
        }
        Expr::And(items) | Expr::Or(items) | Expr::Items(items) => all(items, false, fallback),
        Expr::Operator(_, items) | Expr::Distinct(_, items) => all(items, false, fallback),
        Expr::Call(_, items) => all(items, false, fallback),
        Expr::Quantified { operands, .. } => all(operands, false, fallback),
        Expr::Not(inner) => read(scene, inner, false, fallback, found),
        Expr::Cast(_, inner) => read(scene, inner, nullified, fallback, found),
        Expr::IsNull { operand, .. } | Expr::IsOneOf { operand, .. } => {
            read(scene, operand, true, fallback, found)
        }
        Expr::Case(branches, default) => {
            for (when, then) in branches {
                read(scene, when, false, fallback, found);
                read(scene, then, false, fallback, found);
            }
            read(scene, default, false, fallback, found);
        }
        Expr::SubSelect {
            test: Some(test), ..
        } => read(scene, test, false, fallback, found),
        _ => {}
    }
}
