//! What was given to the application past tables and their policies: parameters, large objects, foreign servers,
//! the right to hand on; and what was given to roles that nobody declared.

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::acl::Grant;
use crate::posture::scene::Scene;
use crate::posture::{Fact, Relation};

/// Whether a role of the application is `name`, has its rights or can become it.
fn reached(scene: &Scene<'_>, name: &str) -> bool {
    let actors = scene.actors();
    let mut reaches = scene.posture.roles.iter();
    name == "PUBLIC"
        || actors.contains(&name)
        || reaches.any(|reach| reach.reaches == name && actors.contains(&reach.role.as_str()))
}

/// The facts of a kind whose subject the application is or can become.
fn concerning<'s>(scene: &'s Scene<'_>, kind: &'s str) -> impl Iterator<Item = &'s Fact> {
    let facts = scene.posture.facts(kind);
    facts.filter(|fact| reached(scene, &fact.subject))
}

pub(super) fn past_policies(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for fact in concerning(scene, "parameter") {
        let message = format!(
            "{} was given {}: it changes how the server treats its session",
            fact.subject, fact.text
        );
        let fix = fact.text.rsplit_once(' ').map(|(privilege, name)| {
            format!(
                "REVOKE {privilege} ON PARAMETER {name} FROM {};",
                fact.subject
            )
        });
        found.push(Found::new(&fact.text, message).fix(fix.unwrap_or_default()));
    }
    for fact in concerning(scene, "large_object") {
        let object = format!("large object {}", fact.oid);
        let message = format!(
            "{} has {} on {object}: no policy binds large objects, every tenant has it",
            fact.subject, fact.text
        );
        found.push(Found::new(object, message));
    }
    for fact in concerning(scene, "foreign_access") {
        let message = format!(
            "{} may use {}: a mapping or a temporary table of its own reaches through it past every policy",
            fact.subject, fact.text
        );
        let who = match fact.subject.as_str() {
            "PUBLIC" => "PUBLIC".to_owned(),
            role => quote_ident(role),
        };
        found.push(
            Found::new(&fact.text, message)
                .fix(format!("REVOKE USAGE ON {} FROM {who};", fact.text)),
        );
    }
    found.extend(event_triggers(scene));
    found
}

fn event_triggers(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for fact in scene.posture.facts("event_trigger") {
        let (event, function) = fact.text.split_once(' ').unwrap_or_default();
        let message = match event {
            "login" => format!(
                "{function} runs at every login, as nobody's code in no tenant's context: it can set one"
            ),
            _ => format!(
                "{function} runs as its owner at every {event}, which a temporary table sets off"
            ),
        };
        found.push(Found::new(&fact.subject, message).fix(format!(
            "ALTER EVENT TRIGGER {} DISABLE;",
            quote_ident(&fact.subject)
        )));
    }
    found
}

/// Every privilege on a table and on its columns.
fn grants(relation: &Relation) -> Vec<Grant> {
    let columns = relation
        .columns
        .iter()
        .filter_map(|column| column.acl.as_deref());
    relation
        .acl
        .as_deref()
        .into_iter()
        .chain(columns)
        .flat_map(Grant::list)
        .collect()
}

/// Privileges that the application may hand on.
pub(super) fn handed_on(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for relation in scene
        .posture
        .relations
        .iter()
        .filter(|r| scene.protected(r))
    {
        let mut grants = grants(relation).into_iter();
        let handed = grants
            .find(|grant| grant.hands_on() && scene.actors().contains(&grant.grantee.as_str()));
        if let Some(grant) = handed {
            let name = relation.full_name();
            let message = format!(
                "{} may hand on its privileges on {name}: a tenant gives them to whom it likes",
                grant.grantee
            );
            found.push(Found::new(&name, message).fix(format!(
                "REVOKE GRANT OPTION FOR ALL ON {name} FROM {};",
                quote_ident(&grant.grantee)
            )));
        }
    }
    found
}

/// Roles that reach tenants' rows, or are past row security with the application's rights, and that nobody declared.
pub(super) fn undeclared(scene: &Scene<'_>) -> Vec<Found> {
    let known = |name: &str| {
        scene.actors().contains(&name)
            || scene.posture.subjects.iter().any(|one| one == name)
            || scene.access.bypass.iter().any(|one| one == name)
    };
    let mut found = Vec::new();
    for relation in scene
        .posture
        .relations
        .iter()
        .filter(|r| scene.protected(r) && !r.extension)
    {
        let name = relation.full_name();
        let mut told = Vec::new();
        for grant in grants(relation) {
            let role = grant.grantee.clone();
            if role.is_empty() || role == relation.owner || known(&role) || told.contains(&role) {
                continue;
            }
            let message = format!(
                "{role} has privileges on {name}, and spec/access.toml knows no such role: what it reads there is promised to nobody"
            );
            found.push(
                Found::new(format!("{name} {}", quote_ident(&role)), message)
                    .fix(format!("REVOKE ALL ON {name} FROM {};", quote_ident(&role))),
            );
            told.push(role);
        }
    }
    for fact in scene.posture.facts("member").filter(|f| !known(&f.subject)) {
        let message = format!(
            "{} has BYPASSRLS and {}'s rights: it reads the rows of every tenant, and spec/access.toml does not say so",
            fact.subject, fact.text
        );
        found.push(Found::new(&fact.subject, message).fix(format!(
            "ALTER ROLE {} NOBYPASSRLS;",
            quote_ident(&fact.subject)
        )));
    }
    found
}
