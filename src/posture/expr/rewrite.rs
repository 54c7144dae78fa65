//! Expressions with other parts: arguments for parameters, rows for the tables of a query.

use super::{Expr, Query, Select, Source};

/// `outer` of a column whose `from` is a row that was given, not a place in a query.
pub const GIVEN: i64 = -1;

/// A function's body with arguments for parameters. Shape: nothing when a parameter was not given or the
/// body has a part that is not understood.
pub fn substitute(body: &Expr, arguments: &[Expr]) -> Option<Expr> {
    map(
        body,
        &mut |expr, _| match expr {
            Expr::Other(node) if node.tag() == "PARAM" && node.word("paramkind") != "2" => {
                let at = usize::try_from(node.number("paramid")?).ok()?;
                Some(Some(arguments.get(at.checked_sub(1)?)?.clone()))
            }
            Expr::Other(node) if node.tag() != "PARAM" => None,
            _ => Some(None),
        },
        0,
    )
}

/// The expression with rows for the tables of the query it stands in. Shape: nothing when it names a table
/// that has none.
pub fn place(expr: &Expr, rows: &[Option<usize>]) -> Option<Expr> {
    map(
        expr,
        &mut |expr, depth| match expr {
            Expr::Column {
                number,
                from,
                outer,
            } if *outer == depth => {
                let at = usize::try_from(*from).ok()?.checked_sub(1)?;
                let row = (*rows.get(at)?)?;
                Some(Some(Expr::Column {
                    number: *number,
                    from: i64::try_from(row).ok()?,
                    outer: GIVEN,
                }))
            }
            _ => Some(None),
        },
        0,
    )
}

/// Rebuilds an expression: `change` gives another one, or `None` inside to go on, or nothing to give up.
/// It is told how many queries further in it is.
fn map(
    expr: &Expr,
    change: &mut dyn FnMut(&Expr, i64) -> Option<Option<Expr>>,
    depth: i64,
) -> Option<Expr> {
    if let Some(changed) = change(expr, depth)? {
        return Some(changed);
    }
    let mut one = |expr: &Expr| map(expr, change, depth);
    Some(match expr {
        Expr::Const(..) | Expr::Session(_) | Expr::Column { .. } | Expr::Other(_) => expr.clone(),
        Expr::And(items) => Expr::And(all(items, &mut one)?),
        Expr::Or(items) => Expr::Or(all(items, &mut one)?),
        Expr::Coalesce(items) => Expr::Coalesce(all(items, &mut one)?),
        Expr::Items(items) => Expr::Items(all(items, &mut one)?),
        Expr::Operator(oid, items) => Expr::Operator(*oid, all(items, &mut one)?),
        Expr::Distinct(oid, items) => Expr::Distinct(*oid, all(items, &mut one)?),
        Expr::NullIf(oid, items) => Expr::NullIf(*oid, all(items, &mut one)?),
        Expr::Call(oid, items) => Expr::Call(*oid, all(items, &mut one)?),
        Expr::Quantified {
            operator,
            any,
            operands,
        } => Expr::Quantified {
            operator: *operator,
            any: *any,
            operands: all(operands, &mut one)?,
        },
        Expr::Not(inner) => Expr::Not(Box::new(one(inner)?)),
        Expr::Cast(oid, inner) => Expr::Cast(*oid, Box::new(one(inner)?)),
        Expr::IsNull { operand, null } => Expr::IsNull {
            operand: Box::new(one(operand)?),
            null: *null,
        },
        Expr::IsOneOf { operand, truth } => Expr::IsOneOf {
            operand: Box::new(one(operand)?),
            truth: *truth,
        },
        Expr::Case(branches, default) => {
            let mut mapped = Vec::new();
            for (when, then) in branches {
                mapped.push((one(when)?, one(then)?));
            }
            Expr::Case(mapped, Box::new(one(default)?))
        }
        Expr::SubSelect { kind, test, query } => Expr::SubSelect {
            kind: *kind,
            test: match test {
                Some(test) => Some(Box::new(one(test)?)),
                None => None,
            },
            query: Box::new(Query {
                node: query.node.clone(),
                relations: query.relations.clone(),
                functions: query.functions.clone(),
                operators: query.operators.clone(),
                select: match &query.select {
                    Some(inner) => Some(select(inner, change, depth + 1)?),
                    None => None,
                },
            }),
        },
    })
}

fn all(items: &[Expr], one: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Vec<Expr>> {
    items.iter().map(one).collect()
}

fn select(
    inner: &Select,
    change: &mut dyn FnMut(&Expr, i64) -> Option<Option<Expr>>,
    depth: i64,
) -> Option<Select> {
    let mut one = |expr: &Expr| map(expr, change, depth);
    let mut from = Vec::new();
    for source in &inner.from {
        from.push(match source {
            Some(Source::Function(call)) => Some(Source::Function(one(call)?)),
            other => other.clone(),
        });
    }
    Some(Select {
        from,
        conditions: all(&inner.conditions, &mut one)?,
        targets: all(&inner.targets, &mut one)?,
    })
}
