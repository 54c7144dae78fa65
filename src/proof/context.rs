//! Which setting an expression is the value of: `current_setting`, under casts and NULLIF, or a
//! function whose body is nothing else.

use crate::posture::body;
use crate::posture::expr::{Expr, SCALAR, substitute};
use crate::posture::scene::Scene;

/// The value of a setting, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    /// The setting.
    pub(super) setting: String,
    /// The constant that stands in for it when it is not set.
    pub(super) fallback: Option<Expr>,
}

/// How deep functions may call each other.
const DEPTH_MAX: u32 = 8;

/// The setting whose value the expression is, if it is one and nothing but one.
pub(super) fn context(scene: &Scene<'_>, expr: &Expr) -> Option<Context> {
    deep(scene, expr, 0)
}

fn deep(scene: &Scene<'_>, expr: &Expr, depth: u32) -> Option<Context> {
    if depth > DEPTH_MAX {
        return None;
    }
    match expr {
        Expr::Cast(_, inner) => deep(scene, inner, depth),
        Expr::NullIf(operator, items) => {
            if !items.get(1).is_some_and(Expr::is_empty_text) || !scene.equal.contains(operator) {
                return None;
            }
            let inner = deep(scene, items.first()?, depth)?;
            // NULLIF(COALESCE(setting, ''), ''): what stands in is taken out again.
            let fallback = inner.fallback.filter(|value| !value.is_empty_text());
            Some(Context { fallback, ..inner })
        }
        // The same as NULLIF, in more words.
        Expr::Case(..) => deep(scene, expr.unless_empty(&scene.equal)?, depth),
        Expr::Coalesce(items) => match items.as_slice() {
            [first, second] => {
                second.as_id()?;
                let inner = deep(scene, first, depth)?;
                inner.fallback.is_none().then(|| Context {
                    fallback: Some(second.bare().clone()),
                    ..inner
                })
            }
            _ => None,
        },
        Expr::Call(function, arguments) if scene.readers.contains(function) => Some(Context {
            setting: arguments.first()?.as_text()?,
            fallback: None,
        }),
        Expr::Call(function, arguments) => {
            let called = scene.function(*function)?;
            let safe = called.volatility == 's' && !called.definer && !called.returns_set;
            let select = scene.body(*function).filter(|_| safe)?;
            let value = substitute(&body::value((*select).clone())?, arguments)?;
            deep(scene, &value, depth + 1)
        }
        Expr::SubSelect {
            kind: SCALAR,
            query,
            ..
        } => {
            let select = query.select.clone()?;
            let alone = select.from.is_empty() && select.conditions.is_empty();
            deep(scene, select.targets.first().filter(|_| alone)?, depth)
        }
        _ => None,
    }
}
