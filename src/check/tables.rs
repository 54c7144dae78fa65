//! Tables: row security, policies and grants that fit each other, and the tenant column.

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::Relation;
use crate::posture::scene::{Scene, letter};
use crate::spec::access::Command;

/// The letters of SELECT, INSERT and UPDATE.
const ROWS: &str = "raw";

/// SQL that reads a relation as `role`, and leaves nothing behind.
pub(super) fn read_as(role: &str, relation: &Relation) -> String {
    format!(
        "BEGIN; SET LOCAL ROLE {}; SELECT * FROM {} LIMIT 10; ROLLBACK;",
        quote_ident(role),
        relation.full_name()
    )
}

pub(super) fn tables<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a Relation> {
    scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.is_table() && !relation.extension)
}

/// The first actor that has one of the letters.
fn reached<'a>(scene: &'a Scene<'_>, relation: &Relation, letters: &str) -> Option<&'a str> {
    scene
        .actors()
        .into_iter()
        .find(|role| relation.grants(role, letters))
}

pub(super) fn disabled(scene: &Scene<'_>) -> Vec<Found> {
    let bare = tables(scene).filter(|t| !t.secured && !scene.is_label(t.oid) && scene.scoped(t));
    bare.filter_map(|table| {
        let role = reached(scene, table, "rawd")?;
        let name = table.full_name();
        Some(
            Found::new(&name, format!("row security is off: tenant A, as {role}, reads every row of tenant B in {name}"))
                .reproduce(read_as(role, table))
                .fix(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;")),
        )
    })
    .collect()
}

pub(super) fn without(scene: &Scene<'_>) -> Vec<Found> {
    let bare = tables(scene).filter(|t| {
        let open = scene
            .promise(t)
            .is_some_and(|promise| promise.tenant.is_none() && promise.owner.is_none());
        !t.secured && !t.partition && !open && !scene.is_label(t.oid) && !scene.scoped(t)
    });
    bare.filter_map(|table| {
        let role = reached(scene, table, "rawd")?;
        let name = table.full_name();
        Some(
            Found::new(&name, format!("{name} has no row security and no tenant column: every tenant, as {role}, reaches every row"))
                .reproduce(read_as(role, table))
                .fix(format!("REVOKE ALL ON {name} FROM {};", quote_ident(role))),
        )
    })
    .collect()
}

pub(super) fn not_forced(scene: &Scene<'_>) -> Vec<Found> {
    tables(scene)
        .filter(|table| table.secured && !table.forced)
        .map(|table| {
            let name = table.full_name();
            Found::new(&name, format!("row security does not bind the owner {}: what runs as the owner sees all tenants", table.owner))
                .fix(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"))
        })
        .collect()
}

pub(super) fn no_policy(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for table in tables(scene).filter(|table| table.secured) {
        for role in scene
            .applications
            .iter()
            .filter(|role| table.grants(role, ROWS))
        {
            let none = Command::ALL
                .iter()
                .all(|command| scene.permissive(table.oid, role, *command).is_empty());
            if none {
                let name = table.full_name();
                found.push(Found::new(&name, format!("no permissive policy applies to {role}: every row of {name} is hidden from every tenant")));
            }
        }
    }
    found
}

pub(super) fn dormant(scene: &Scene<'_>) -> Vec<Found> {
    tables(scene)
        .filter(|table| !table.secured && scene.policies.contains_key(&table.oid))
        .map(|table| {
            let name = table.full_name();
            Found::new(
                &name,
                format!("{name} has policies and row security is off: none of them is applied"),
            )
            .fix(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"))
        })
        .collect()
}

/// Every secured table, application role and command with whether it is granted and has a policy.
fn granted_and_admitted<'a>(
    scene: &'a Scene<'_>,
) -> Vec<(&'a Relation, &'a str, Command, bool, bool)> {
    let mut all = Vec::new();
    for table in tables(scene).filter(|table| table.secured) {
        for role in &scene.applications {
            for command in Command::ALL {
                let granted = table.grants(role, &letter(command).to_string());
                let admitted = !scene.permissive(table.oid, role, command).is_empty();
                all.push((table, role.as_str(), command, granted, admitted));
            }
        }
    }
    all
}

pub(super) fn grant_without_policy(scene: &Scene<'_>) -> Vec<Found> {
    let wrong = granted_and_admitted(scene)
        .into_iter()
        .filter(|(.., granted, admitted)| *granted && !*admitted);
    wrong
        .map(|(table, role, command, ..)| {
            let (name, word) = (table.full_name(), command.as_str());
            let what = if command == Command::Insert {
                "fails"
            } else {
                "touches no row, silently"
            };
            Found::new(
                format!("{name} {word}"),
                format!("{role} may {word} on {name} and no policy admits a row: it {what}"),
            )
            .command(word)
            .fix(format!(
                "REVOKE {word} ON {name} FROM {};",
                quote_ident(role)
            ))
        })
        .collect()
}

pub(super) fn policy_without_grant(scene: &Scene<'_>) -> Vec<Found> {
    let wrong = granted_and_admitted(scene).into_iter().filter(
        |(table, role, command, granted, admitted)| {
            let promise = scene
                .promise(table)
                .and_then(|promise| promise.roles.get(*role));
            let wanted =
                promise.is_none_or(|rules| rules.of(*command) != crate::spec::access::Rule::Deny);
            *admitted && !*granted && wanted
        },
    );
    wrong
        .map(|(table, role, command, ..)| {
            let (name, word) = (table.full_name(), command.as_str());
            Found::new(format!("{name} {word}"), format!("a policy admits {word} for {role} on {name} and the privilege is missing: permission denied"))
                .command(word)
                .fix(format!("GRANT {word} ON {name} TO {};", quote_ident(role)))
        })
        .collect()
}

pub(super) fn ignoring(scene: &Scene<'_>) -> Vec<Found> {
    let words = [
        ("D", "TRUNCATE", "removes every tenant's rows"),
        ("x", "REFERENCES", "learns which ids other tenants have"),
        ("t", "TRIGGER", "runs code as whoever writes next"),
        ("m", "MAINTAIN", "locks and rewrites every tenant's rows"),
    ];
    let mut found = Vec::new();
    for table in tables(scene) {
        for role in scene.actors() {
            for (_, word, what) in words
                .iter()
                .filter(|(letter, ..)| table.grants(role, letter))
            {
                let name = table.full_name();
                found.push(
                    Found::new(&name, format!("{role} has {word} on {name}, which row security does not bind: a tenant {what}"))
                        .fix(format!("REVOKE {word} ON {name} FROM {};", quote_ident(role))),
                );
            }
        }
    }
    found
}
