//! What a policy trusts: other tables, operators, casts.

use std::collections::BTreeSet;

use super::Found;
use super::policies::sides;
use crate::posture::FIRST_USER_OID;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;

pub(super) fn reads(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (policy, _, expr) in sides(scene) {
        let mut read = Vec::new();
        expr.walk(&mut |inner| {
            if let Expr::SubSelect { query, .. } = inner {
                read.extend(&query.relations);
            }
        });
        read.sort_unstable();
        read.dedup();
        for relation in read.iter().filter_map(|oid| scene.relations.get(oid)) {
            let name = relation.full_name();
            let message = if relation.oid == policy.table {
                format!(
                    "the policy reads {name}, its own table: every statement ends in infinite recursion"
                )
            } else if !relation.secured {
                let writer = scene
                    .actors()
                    .into_iter()
                    .find(|role| relation.grants(role, "aw"));
                match writer {
                    Some(role) => format!(
                        "the policy trusts {name}, which {role} may write: a tenant lets itself in"
                    ),
                    None => format!("the policy trusts {name}, which has no row security"),
                }
            } else {
                continue;
            };
            found.push(Found::new(scene.policy_name(policy), message));
        }
    }
    found
}

pub(super) fn operator(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (policy, _, expr) in sides(scene) {
        let mut used = BTreeSet::new();
        expr.walk(&mut |inner| match inner {
            Expr::Operator(oid, _) | Expr::Distinct(oid, _) | Expr::NullIf(oid, _) => {
                used.insert(*oid);
            }
            Expr::Quantified { operator, .. } => {
                used.insert(*operator);
            }
            Expr::SubSelect { query, .. } => used.extend(&query.operators),
            _ => {}
        });
        for fact in scene
            .posture
            .facts("operator")
            .filter(|fact| used.contains(&fact.oid) && fact.oid >= FIRST_USER_OID)
        {
            // A graph's policy reads a property with AGE's own operator.
            if scene.is_label(policy.table) && fact.subject == "ag_catalog" {
                continue;
            }
            let message = format!(
                "the policy compares with {}, which is not PostgreSQL's own and may call anything equal",
                fact.text
            );
            found.push(Found::new(scene.policy_name(policy), message));
        }
    }
    found
}

pub(super) fn cast(scene: &Scene<'_>) -> Vec<Found> {
    let equal = scene.posture.equalities();
    let mut found = Vec::new();
    for (policy, _, expr) in sides(scene) {
        let Some(table) = scene
            .relations
            .get(&policy.table)
            .filter(|table| !scene.is_label(table.oid))
        else {
            continue;
        };
        let Some(column) = scene
            .tenant_column(table)
            .and_then(|name| table.column(name))
        else {
            continue;
        };
        // Between text types a cast changes nothing, and an index serves it.
        let textual = matches!(column.type_oid, 25 | 1042 | 1043);
        let mut cast = false;
        expr.walk(&mut |inner| {
            if let Expr::Operator(operator, sides) = inner {
                let through = |side: &Expr| matches!(side, Expr::Cast(_, inner) if matches!(**inner, Expr::Column { number, .. } if number == column.number));
                cast |= equal.contains(operator) && sides.iter().any(through);
            }
        });
        if cast && !textual {
            let message = format!(
                "{} is cast before it is compared: no index serves the policy",
                column.name
            );
            found.push(Found::new(scene.policy_name(policy), message));
        }
    }
    found
}
