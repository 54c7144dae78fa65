//! How a table's rows carry the tenant or the user.

use std::collections::BTreeSet;

use crate::posture::Oid;
use crate::posture::expr::Expr;

/// How a table's rows carry the tenant.
#[derive(Debug, Clone)]
pub(super) enum Carrier {
    /// In a column.
    Column {
        number: i32,
        not_null: bool,
        type_oid: Oid,
    },
    /// In a property of a graph's label.
    Property {
        number: i32,
        key: String,
        operators: BTreeSet<Oid>,
    },
}

/// Whether an expression is the carrier, and whether it is never NULL then.
pub(super) fn carries(carrier: &Carrier, expr: &Expr) -> Option<bool> {
    /// uuid, text, varchar, int4, int8: their text form tells them apart.
    const TOLD_APART: [Oid; 5] = [2950, 25, 1043, 23, 20];
    match (carrier, expr) {
        (
            Carrier::Column {
                number, not_null, ..
            },
            Expr::Column {
                number: at,
                outer: 0,
            },
        ) if number == at => Some(*not_null),
        (Carrier::Column { type_oid, .. }, Expr::Cast(_, inner))
            if TOLD_APART.contains(type_oid) =>
        {
            carries(carrier, inner)
        }
        (
            Carrier::Property {
                number,
                key,
                operators,
            },
            Expr::Operator(operator, sides),
        ) if operators.contains(operator) => {
            let [
                Expr::Column {
                    number: at,
                    outer: 0,
                },
                property,
            ] = sides.as_slice()
            else {
                return None;
            };
            (number == at && property.as_text().as_ref() == Some(key)).then_some(false)
        }
        _ => None,
    }
}
