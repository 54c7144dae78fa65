//! How an expression reads the context's settings.

use crate::posture::expr::{Expr, Query, Select, substitute};
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
    read(scene, expr, (false, false, 0), &mut found);
    found
}

/// How deep functions may call each other.
const DEPTH_MAX: u32 = 8;

fn read(
    scene: &Scene<'_>,
    expr: &Expr,
    (nullified, fallback, depth): (bool, bool, u32),
    found: &mut Vec<Reading>,
) {
    if let Some(value) = expr.unless_empty(&scene.equal) {
        return read(scene, value, (true, fallback, depth), found);
    }
    let mut all = |items: &[Expr], nullified, fallback| {
        items
            .iter()
            .for_each(|item| read(scene, item, (nullified, fallback, depth), found));
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
            let empty = items.get(1).is_some_and(Expr::is_empty_text);
            all(items, nullified || empty, fallback);
        }
        Expr::Coalesce(items) => {
            let harmless = stands_for_nobody(scene, items, nullified);
            all(items, nullified, fallback || !harmless);
        }
        Expr::And(items) | Expr::Or(items) | Expr::Items(items) => all(items, false, fallback),
        Expr::Operator(_, items) | Expr::Distinct(_, items) => all(items, false, fallback),
        Expr::Call(function, items) => {
            all(items, false, fallback);
            let body = scene.body(*function).filter(|_| depth < DEPTH_MAX);
            for inner in body.iter().flat_map(|body| body.exprs()) {
                let inner = substitute(inner, items).unwrap_or_else(|| inner.clone());
                read(scene, &inner, (nullified, fallback, depth + 1), found);
            }
        }
        Expr::Quantified { operands, .. } => all(operands, false, fallback),
        Expr::Not(inner) => read(scene, inner, (false, fallback, depth), found),
        Expr::Cast(_, inner) => read(scene, inner, (nullified, fallback, depth), found),
        Expr::IsNull { operand, .. } | Expr::IsOneOf { operand, .. } => {
            read(scene, operand, (true, fallback, depth), found)
        }
        Expr::Case(branches, default) => {
            for (when, then) in branches {
                read(scene, when, (false, fallback, depth), found);
                read(scene, then, (false, fallback, depth), found);
            }
            read(scene, default, (false, fallback, depth), found);
        }
        Expr::SubSelect {
            test: Some(test),
            query,
            ..
        } => {
            read(scene, test, (false, fallback, depth), found);
            of_query(scene, query, (fallback, depth), found);
        }
        Expr::SubSelect { query, .. } => of_query(scene, query, (fallback, depth), found),
        _ => {}
    }
}

/// COALESCE(condition, false) is a condition; COALESCE(setting, value) is another tenant, unless no tenant can be
/// it or NULLIF takes it out again.
fn stands_for_nobody(scene: &Scene<'_>, items: &[Expr], nullified: bool) -> bool {
    let Some(last) = items.last() else {
        return true;
    };
    last.as_bool() == Some(Some(false))
        || last.as_id().is_some_and(|id| nobody(scene, &id))
        || nullified && last.is_empty_text()
}

fn of_query(
    scene: &Scene<'_>,
    query: &Query,
    (fallback, depth): (bool, u32),
    found: &mut Vec<Reading>,
) {
    for inner in query.select.iter().flat_map(Select::exprs) {
        read(scene, inner, (false, fallback, depth), found);
    }
}

/// Whether a CHECK keeps the tenants from having this id.
fn nobody(scene: &Scene<'_>, id: &str) -> bool {
    let root = scene
        .access
        .root
        .as_ref()
        .and_then(|root| scene.named(root));
    root.is_some_and(|root| {
        scene
            .tenant_number(root)
            .is_some_and(|number| scene.never(root, number, id))
    })
}
