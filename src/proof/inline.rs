//! Puts a call's arguments into a function's body.

use crate::posture::expr::Expr;

/// The body with arguments for parameters. Shape: nothing when it has a sub-select or a parameter
/// that was not given.
pub(super) fn substitute(body: &Expr, arguments: &[Expr]) -> Option<Expr> {
    let one = |expr: &Expr| substitute(expr, arguments);
    let boxed = |expr: &Expr| one(expr).map(Box::new);
    let all = |items: &[Expr]| items.iter().map(one).collect::<Option<Vec<_>>>();
    Some(match body {
        Expr::Other(node) if node.tag() == "PARAM" => {
            let at = usize::try_from(node.number("paramid")?)
                .ok()?
                .checked_sub(1)?;
            arguments.get(at)?.clone()
        }
        Expr::Other(_) | Expr::SubSelect { .. } | Expr::Column { .. } => return None,
        Expr::Const(..) | Expr::Session(_) => body.clone(),
        Expr::And(items) => Expr::And(all(items)?),
        Expr::Or(items) => Expr::Or(all(items)?),
        Expr::Coalesce(items) => Expr::Coalesce(all(items)?),
        Expr::Items(items) => Expr::Items(all(items)?),
        Expr::Operator(oid, items) => Expr::Operator(*oid, all(items)?),
        Expr::Distinct(oid, items) => Expr::Distinct(*oid, all(items)?),
        Expr::NullIf(oid, items) => Expr::NullIf(*oid, all(items)?),
        Expr::Call(oid, items) => Expr::Call(*oid, all(items)?),
        Expr::Quantified {
            operator,
            any,
            operands,
        } => Expr::Quantified {
            operator: *operator,
            any: *any,
            operands: all(operands)?,
        },
        Expr::Not(inner) => Expr::Not(boxed(inner)?),
        Expr::Cast(oid, inner) => Expr::Cast(*oid, boxed(inner)?),
        Expr::IsNull { operand, null } => Expr::IsNull {
            operand: boxed(operand)?,
            null: *null,
        },
        Expr::IsOneOf { operand, truth } => Expr::IsOneOf {
            operand: boxed(operand)?,
            truth: *truth,
        },
        Expr::Case(branches, default) => Expr::Case(
            branches
                .iter()
                .map(|(when, then)| Some((one(when)?, one(then)?)))
                .collect::<Option<Vec<_>>>()?,
            boxed(default)?,
        ),
    })
}
