//! Policies one by one: whom they are for, what they read, and how they read the context.

use std::collections::BTreeSet;

use super::Found;
use super::reading::{Reading, readings};
use crate::catalog::name::quote_ident;
use crate::posture::Policy;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;
use crate::spec::access::Command;

pub(super) fn to_public(scene: &Scene<'_>) -> Vec<Found> {
    let public = scene
        .posture
        .policies
        .iter()
        .filter(|policy| policy.roles.iter().any(|role| role == "public"));
    public
        .map(|policy| {
            Found::new(
                scene.policy_name(policy),
                "the policy is for every role, later ones included",
            )
        })
        .collect()
}

pub(super) fn for_nobody(scene: &Scene<'_>) -> Vec<Found> {
    let dead = scene
        .posture
        .policies
        .iter()
        .filter(|policy| policy.binds.is_empty());
    let bypass = |policy: &&Policy| {
        policy
            .roles
            .iter()
            .all(|role| scene.access.bypass.contains(role))
    };
    dead.filter(|policy| !bypass(policy))
        .map(|policy| {
            let roles = policy.roles.join(", ");
            Found::new(
                scene.policy_name(policy),
                format!("the policy is for {roles}, which no application is: it admits nobody"),
            )
        })
        .collect()
}

/// Every policy with each of its sides.
pub(super) fn sides<'s>(
    scene: &'s Scene<'_>,
) -> impl Iterator<Item = (&'s Policy, &'static str, &'s Expr)> {
    scene.posture.policies.iter().flat_map(move |policy| {
        scene
            .sides(policy)
            .into_iter()
            .map(move |(side, expr)| (policy, side, expr))
    })
}

pub(super) fn always_true(scene: &Scene<'_>) -> Vec<Found> {
    sides(scene)
        .filter(|(policy, _, expr)| policy.permissive && expr.as_bool() == Some(Some(true)))
        .map(|(policy, side, _)| {
            let name = scene.policy_name(policy);
            Found::new(
                &name,
                format!("{side} (true): every tenant reaches the rows of every other"),
            )
        })
        .collect()
}

pub(super) fn ignores_tenant(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (policy, side, expr) in sides(scene).filter(|(policy, ..)| policy.permissive) {
        let Some(table) = scene.relations.get(&policy.table) else {
            continue;
        };
        let Some(number) = scene.tenant_number(table) else {
            continue;
        };
        let mut opaque = expr.as_bool().is_some();
        // A sub-select or a function given the row may well read the tenant; the proof judges it.
        expr.walk(&mut |inner| opaque |= matches!(inner, Expr::SubSelect { .. }));
        // A membership of the session's user names one of its tenants.
        let own = scene.members().is_some_and(|(members, membership)| {
            let user = members.column(&membership.user).map(|column| column.number);
            members.oid == table.oid && user.is_some_and(|user| expr.columns().contains(&user))
        });
        if !own && !opaque && !expr.columns().contains(&number) && !expr.columns().contains(&0) {
            let tenant = scene.tenant_column(table).unwrap_or_default();
            let message =
                format!("{side} never reads {tenant}: it admits rows of tenant B to tenant A");
            found.push(Found::new(scene.policy_name(policy), message));
        }
    }
    found
}

pub(super) fn foreign_setting(scene: &Scene<'_>) -> Vec<Found> {
    let own = [&scene.tenant_setting, &scene.user_setting];
    let known = |setting: &str| {
        let mut own = own.into_iter().flatten();
        own.any(|own| own.eq_ignore_ascii_case(setting))
    };
    let mut found = Vec::new();
    for (policy, side, expr) in sides(scene) {
        for reading in readings(scene, expr) {
            if !reading.setting.as_deref().is_some_and(known) {
                let setting = reading
                    .setting
                    .unwrap_or_else(|| "a setting whose name is computed".to_owned());
                let message = format!(
                    "{side} reads {setting}, which is not part of the context: whoever sets it decides what is visible"
                );
                found.push(Found::new(scene.policy_name(policy), message));
            }
        }
    }
    found
}

pub(super) fn fragile(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (policy, side, expr) in sides(scene) {
        let mut said = BTreeSet::new();
        for Reading {
            setting,
            one_argument,
            nullified,
            fallback,
        } in readings(scene, expr)
        {
            let setting = setting.unwrap_or_default();
            let message = if fallback {
                format!(
                    "{side} falls back to another value when {setting} is not set: a session without a context gets a tenant"
                )
            } else if one_argument {
                format!("{side} raises 42704 in a session in which {setting} was never set")
            } else if !nullified {
                format!(
                    "{side} takes '' for a value: a pooled connection has '' in {setting} after any transaction, and a uuid column then raises 22P02"
                )
            } else {
                continue;
            };
            if said.insert(message.clone()) {
                found.push(Found::new(scene.policy_name(policy), message));
            }
        }
    }
    found
}

pub(super) fn forgets(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for policy in scene
        .posture
        .policies
        .iter()
        .filter(|policy| matches!(policy.command, 'w' | '*'))
    {
        let side = |md5: &Option<String>| md5.as_deref().and_then(|md5| scene.exprs.get(md5));
        let (Some(using), Some(check)) = (side(&policy.using_tree), side(&policy.check_tree))
        else {
            continue;
        };
        let Some(table) = scene.relations.get(&policy.table) else {
            continue;
        };
        let tested = check.columns();
        for number in using
            .columns()
            .into_iter()
            .filter(|number| !tested.contains(number))
        {
            let Some(column) = table.columns.iter().find(|column| column.number == number) else {
                continue;
            };
            // Of other columns the proof says whether it matters.
            let carries = |promise: &crate::spec::access::TableAccess| {
                let mut carried = promise.tenant.iter().chain(&promise.owner);
                carried.any(|carried| carried.first() == column.name)
            };
            if scene
                .promise(table)
                .is_some_and(|promise| !carries(promise))
            {
                continue;
            }
            let column = quote_ident(&column.name);
            let message = format!(
                "USING tests {column} and WITH CHECK does not: a row can be given away by changing {column}"
            );
            found.push(
                Found::new(format!("{} {column}", scene.policy_name(policy)), message)
                    .command("UPDATE"),
            );
        }
    }
    found
}

pub(super) fn several(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (table, policies) in &scene.policies {
        if policies.len() < 2 {
            continue;
        }
        for role in &scene.applications {
            for command in Command::ALL {
                let names: Vec<&str> = scene
                    .permissive(*table, role, command)
                    .iter()
                    .map(|p| p.name.as_str())
                    .collect();
                if let (true, Some(relation)) = (names.len() > 1, scene.relations.get(table)) {
                    let object = format!("{} {}", relation.full_name(), command.as_str());
                    found.push(
                        Found::new(
                            object,
                            format!("a row needs only one of {}", names.join(", ")),
                        )
                        .command(command.as_str()),
                    );
                }
            }
        }
    }
    found
}
