//! Everything beside tables that shows or moves their rows: views, children, triggers, publications.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use super::context::arguments;
use super::tables::read_as;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;
use crate::posture::{Oid, Relation};

/// What each view reads, through other views as well.
fn closure(scene: &Scene<'_>) -> BTreeMap<Oid, BTreeSet<Oid>> {
    let mut direct: BTreeMap<Oid, BTreeSet<Oid>> = BTreeMap::new();
    for read in &scene.posture.reads {
        direct.entry(read.reader).or_default().insert(read.read);
    }
    let mut all = BTreeMap::new();
    for reader in direct.keys() {
        let mut seen = BTreeSet::new();
        let mut next = vec![*reader];
        while let Some(at) = next.pop() {
            for read in direct.get(&at).into_iter().flatten() {
                if seen.insert(*read) {
                    next.push(*read);
                }
            }
        }
        all.insert(*reader, seen);
    }
    all
}

fn reached<'a>(scene: &'a Scene<'_>, relation: &Relation, letters: &str) -> Option<&'a str> {
    scene
        .actors()
        .into_iter()
        .find(|role| relation.grants(role, letters))
}

/// The first protected table that a view reads.
fn protected<'a>(scene: &Scene<'a>, reads: &BTreeSet<Oid>) -> Option<&'a Relation> {
    reads
        .iter()
        .filter_map(|oid| scene.relations.get(oid).copied())
        .find(|relation| scene.protected(relation))
}

pub(super) fn definer_view(scene: &Scene<'_>) -> Vec<Found> {
    let closure = closure(scene);
    let mut found = Vec::new();
    for (oid, reads) in &closure {
        let Some(view) = scene
            .relations
            .get(oid)
            .filter(|view| view.kind == 'v' && !view.invoker)
        else {
            continue;
        };
        let Some(table) = protected(scene, reads) else {
            continue;
        };
        let through = closure
            .iter()
            .filter(|(_, reads)| reads.contains(oid))
            .filter_map(|(outer, _)| scene.relations.get(outer));
        let role = reached(scene, view, "rawd").or_else(|| {
            through
                .into_iter()
                .find_map(|outer| reached(scene, outer, "r"))
        });
        if let Some(role) = role {
            let name = view.full_name();
            found.push(
                Found::new(&name, format!("tenant A, as {role}, reads rows of tenant B in {} through view {name}, which runs as {}", table.full_name(), view.owner))
                    .reproduce(read_as(role, view))
                    .fix(format!("ALTER VIEW {name} SET (security_invoker = true);")),
            );
        }
    }
    found
}

pub(super) fn matview(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (oid, reads) in closure(scene) {
        let Some(view) = scene.relations.get(&oid).filter(|view| view.kind == 'm') else {
            continue;
        };
        if let (Some(table), Some(role)) = (protected(scene, &reads), reached(scene, view, "r")) {
            let name = view.full_name();
            found.push(
                Found::new(&name, format!("tenant A, as {role}, reads tenant B's rows of {} as they were when {name} was refreshed", table.full_name()))
                    .reproduce(read_as(role, view))
                    .fix(format!("REVOKE SELECT ON {name} FROM {};", quote_ident(role))),
            );
        }
    }
    found
}

/// Every child with each of its parents.
fn families<'a>(scene: &Scene<'a>) -> Vec<(&'a Relation, &'a Relation)> {
    let children = scene
        .posture
        .relations
        .iter()
        .filter(|child| matches!(child.kind, 'r' | 'p' | 'f'));
    children
        .flat_map(|child| {
            child
                .parents
                .iter()
                .filter_map(move |parent| Some((child, *scene.relations.get(parent)?)))
        })
        .collect()
}

pub(super) fn child(scene: &Scene<'_>) -> Vec<Found> {
    let open = families(scene)
        .into_iter()
        .filter(|(child, parent)| parent.secured && !child.secured);
    open.filter_map(|(child, parent)| {
        let role = reached(scene, child, "rawd")?;
        let name = child.full_name();
        Some(
            Found::new(
                &name,
                format!(
                    "tenant A, as {role}, reads tenant B's rows of {} directly in {name}",
                    parent.full_name()
                ),
            )
            .reproduce(read_as(role, child))
            .fix(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;")),
        )
    })
    .collect()
}

pub(super) fn parent(scene: &Scene<'_>) -> Vec<Found> {
    let open = families(scene)
        .into_iter()
        .filter(|(child, parent)| child.secured && !parent.secured && !parent.extension);
    open.filter_map(|(child, parent)| {
        let role = reached(scene, parent, "rawd")?;
        let name = parent.full_name();
        Some(
            Found::new(
                &name,
                format!(
                    "tenant A, as {role}, reads tenant B's rows of {} through its parent {name}",
                    child.full_name()
                ),
            )
            .reproduce(read_as(role, parent))
            .fix(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;")),
        )
    })
    .collect()
}

pub(super) fn foreign(scene: &Scene<'_>) -> Vec<Found> {
    let tables = scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.kind == 'f');
    tables
        .filter_map(|table| {
            let role = reached(scene, table, "rawd")?;
            let name = table.full_name();
            Some(
                Found::new(
                    &name,
                    format!(
                        "{name} is a foreign table, which no policy binds, and {role} reaches it"
                    ),
                )
                .reproduce(read_as(role, table)),
            )
        })
        .collect()
}

pub(super) fn trigger(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for trigger in &scene.posture.triggers {
        let Some(function) = trigger.function.and_then(|oid| scene.posture.function(oid)) else {
            continue;
        };
        let Some(table) = scene
            .relations
            .get(&trigger.table)
            .filter(|table| scene.protected(table) || reached(scene, table, "awd").is_some())
        else {
            continue;
        };
        if function.definer && function.extension.is_none() {
            let object = format!("{}.{}", table.full_name(), quote_ident(&trigger.name));
            let message = format!(
                "the trigger runs {} as {}: what tenant A writes can read or change tenant B's rows",
                function.signature, function.owner
            );
            found.push(Found::new(object, message).fix(format!(
                "ALTER FUNCTION {} SECURITY INVOKER;",
                function.signature
            )));
        }
    }
    found
}

/// Triggers that send a row's values to everybody: LISTEN needs no privilege, and channels know no tenant.
pub(super) fn notifies(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for trigger in &scene.posture.triggers {
        let (Some(function), Some(table)) = (
            trigger.function.and_then(|oid| scene.function(oid)),
            scene.relations.get(&trigger.table),
        ) else {
            continue;
        };
        let body = function.body.as_deref().unwrap_or_default();
        if function.extension.is_none() && scene.protected(table) && sends(body) {
            let object = format!("{}.{}", table.full_name(), quote_ident(&trigger.name));
            let message = format!(
                "{} sends what tenant B writes to a channel that tenant A may listen to",
                function.signature
            );
            found.push(Found::new(object, message));
        }
    }
    found
}

/// Whether a function's text sends a payload that is no constant.
fn sends(body: &str) -> bool {
    let text = body.to_lowercase();
    if text.contains("execute") && text.contains("notify ") {
        return true;
    }
    text.split("pg_notify").skip(1).any(|call| {
        let payload = arguments(call)
            .get(1)
            .map_or("", |payload| payload.trim())
            .to_owned();
        let inner = payload
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        inner.is_none_or(|inner| inner.contains('\''))
    })
}

pub(super) fn rule(scene: &Scene<'_>) -> Vec<Found> {
    let rules = scene
        .posture
        .triggers
        .iter()
        .filter(|trigger| trigger.function.is_none());
    rules
        .filter_map(|rule| {
            let table = scene
                .relations
                .get(&rule.table)
                .filter(|table| scene.protected(table) || reached(scene, table, "awd").is_some())?;
            let name = table.full_name();
            let rule = quote_ident(&rule.name);
            Some(
                Found::new(
                    format!("{name}.{rule}"),
                    format!(
                        "the rule rewrites statements on {name} and runs as {}",
                        table.owner
                    ),
                )
                .fix(format!("DROP RULE {rule} ON {name};")),
            )
        })
        .collect()
}

pub(super) fn publication(scene: &Scene<'_>) -> Vec<Found> {
    let whole = scene.posture.facts("publication");
    whole
        .filter_map(|fact| {
            let table = scene
                .relations
                .get(&fact.oid)
                .filter(|table| scene.protected(table))?;
            let name = table.full_name();
            Some(Found::new(
                &name,
                format!(
                    "publication {} streams {} of {name}: policies do not bind it",
                    fact.subject,
                    if fact.text == "all" {
                        "the rows of all tenants"
                    } else {
                        "rows by a filter"
                    }
                ),
            ))
        })
        .collect()
}

pub(super) fn sequence(scene: &Scene<'_>) -> Vec<Found> {
    let sequences = scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.kind == 'S');
    sequences
        .filter_map(|sequence| {
            let role = reached(scene, sequence, "r")?;
            let name = sequence.full_name();
            Some(Found::new(
                &name,
                format!("{role} reads {name}: it tells how many rows all tenants have written"),
            ))
        })
        .collect()
}

pub(super) fn sequence_set(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for sequence in scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.kind == 'S' && !relation.extension)
    {
        if let Some(role) =
            reached(scene, sequence, "w").filter(|_| !scene.label_schema(&sequence.schema))
        {
            let name = sequence.full_name();
            let message = format!(
                "{role} may set {name}: one tenant turns it back, and every tenant's next row collides"
            );
            found.push(Found::new(&name, message).fix(format!(
                "REVOKE UPDATE ON SEQUENCE {name} FROM {};",
                quote_ident(role)
            )));
        }
    }
    found
}

pub(super) fn barrier(scene: &Scene<'_>) -> Vec<Found> {
    let views = scene
        .posture
        .relations
        .iter()
        .filter(|view| view.kind == 'v' && !view.invoker && !view.barrier && !view.extension);
    views
        .filter_map(|view| {
            let role = reached(scene, view, "r")?;
            let name = view.full_name();
            Some(
                Found::new(&name, format!("view {name} is no security barrier: a function in {role}'s WHERE sees rows that its filter hides"))
                    .fix(format!("ALTER VIEW {name} SET (security_barrier = true);")),
            )
        })
        .collect()
}
