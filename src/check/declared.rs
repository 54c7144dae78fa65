//! What is there against what is listed: anything reachable and unlisted is an error, and so is
//! anything listed that is not there.

use super::Found;
use super::tables::read_as;
use crate::catalog::name::quote_ident;
use crate::posture::Relation;
use crate::posture::scene::{Scene, letter};
use crate::spec::access::{Carried, Command, Rule};

pub(super) fn relation(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for relation in scene
        .posture
        .relations
        .iter()
        .filter(|r| r.kind != 'S' && !r.extension)
    {
        if scene.is_label(relation.oid) {
            continue;
        }
        let promise = scene.promise(relation);
        for role in scene.actors() {
            let listed = promise.is_some_and(|promise| promise.roles.contains_key(role));
            if !listed && relation.grants(role, "rawd") {
                let name = relation.full_name();
                let message =
                    format!("{role} reaches {name}, and spec/access.toml gives it nothing there");
                found.push(
                    Found::new(&name, message)
                        .reproduce(read_as(role, relation))
                        .fix(format!("REVOKE ALL ON {name} FROM {};", quote_ident(role))),
                );
            }
        }
    }
    found
}

pub(super) fn function(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for function in scene
        .posture
        .functions
        .iter()
        .filter(|f| f.extension.is_none() && !f.trigger && !scene.is_vertex_guard(f))
    {
        let listed = scene.access.functions.iter().find(|listed| {
            scene
                .posture
                .declared_functions
                .get(&listed.function.to_string())
                == Some(&function.oid)
        });
        for role in scene.actors() {
            let may = function.callers.iter().any(|caller| caller == role);
            if may
                && !listed.is_some_and(|listed| listed.callers.iter().any(|caller| caller == role))
            {
                let name = &function.signature;
                let from = if function.public {
                    "PUBLIC".to_owned()
                } else {
                    quote_ident(role)
                };
                found.push(
                    Found::new(
                        name,
                        format!("{role} may call {name}, and spec/access.toml does not list it"),
                    )
                    .fix(format!("REVOKE EXECUTE ON FUNCTION {name} FROM {from};")),
                );
            }
        }
    }
    found
}

pub(super) fn table_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for table in &scene.access.tables {
        let Some(relation) = scene.named(&table.name) else {
            found.push(Found::new(
                table.name.to_string(),
                format!("table {} is listed and does not exist", table.name),
            ));
            continue;
        };
        for column in table
            .immutable
            .iter()
            .filter(|column| relation.column(column).is_none())
        {
            let message = format!(
                "column {column} of {} is listed and does not exist",
                table.name
            );
            found.push(Found::new(table.name.to_string(), message));
        }
        for carried in table.tenant.iter().chain(&table.owner) {
            if let Some(message) = astray(scene, relation, carried) {
                found.push(Found::new(table.name.to_string(), message));
            }
        }
    }
    if let Some(membership) = &scene.access.membership {
        let name = membership.table.to_string();
        match scene.named(&membership.table) {
            None => found.push(Found::new(
                &name,
                format!("the members' table {name} does not exist"),
            )),
            Some(relation) => {
                for column in [&membership.user, &membership.tenant] {
                    if relation.column(column).is_none() {
                        found.push(Found::new(
                            &name,
                            format!("column {column} of the members' table {name} does not exist"),
                        ));
                    }
                }
            }
        }
    }
    found
}

/// Where the way from a table to its tenant or user is lost.
fn astray(scene: &Scene<'_>, relation: &Relation, carried: &Carried) -> Option<String> {
    let mut at = relation;
    for column in &carried.through {
        let name = at.full_name();
        if at.column(column).is_none() {
            return Some(format!(
                "column {column} of {name} is listed and does not exist"
            ));
        }
        let Some((_, target)) = scene.reference(at.oid, column) else {
            return Some(format!(
                "{name}.{column} is no foreign key of its own: it leads to no tenant or user"
            ));
        };
        at = target;
    }
    at.column(&carried.column).is_none().then(|| {
        format!(
            "column {} of {} is listed and does not exist",
            carried.column,
            at.full_name()
        )
    })
}

pub(super) fn role_missing(scene: &Scene<'_>) -> Vec<Found> {
    let there = |role: &&String| scene.posture.roles.iter().any(|reach| reach.role == **role);
    scene
        .posture
        .subjects
        .iter()
        .filter(|role| !there(role))
        .map(|role| Found::new(role, format!("role {role} is listed and does not exist")))
        .collect()
}

pub(super) fn function_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for listed in &scene.access.functions {
        let name = listed.function.to_string();
        let oid = scene.posture.declared_functions.get(&name);
        let Some(function) = oid.and_then(|oid| scene.posture.function(*oid)) else {
            found.push(Found::new(
                &name,
                format!("function {name} is listed and does not exist"),
            ));
            continue;
        };
        for caller in listed
            .callers
            .iter()
            .filter(|caller| !function.callers.contains(caller))
        {
            found.push(
                Found::new(&name, format!("{caller} may not call {name}, as listed")).fix(format!(
                    "GRANT EXECUTE ON FUNCTION {name} TO {};",
                    quote_ident(caller)
                )),
            );
        }
    }
    found
}

pub(super) fn grant_missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (relation, promise) in scene.promised() {
        for (role, rules) in &promise.roles {
            for command in Command::ALL {
                if rules.of(command) != Rule::Deny
                    && !relation.grants(role, &letter(command).to_string())
                {
                    let (name, word) = (relation.full_name(), command.as_str());
                    found.push(
                        Found::new(
                            format!("{name} {word}"),
                            format!(
                                "{role} is promised {word} on {name} and the privilege is missing"
                            ),
                        )
                        .command(word)
                        .fix(format!("GRANT {word} ON {name} TO {};", quote_ident(role))),
                    );
                }
            }
        }
    }
    found
}
