//! What the application role may do with the graph, and that nobody else may do anything.

use std::collections::BTreeSet;

use super::Wanted;
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::graph::finding::{Finding, Phase};
use crate::graph::live::{self, Grant, Live};

const DECLARED: [&str; 4] = ["DELETE", "INSERT", "SELECT", "UPDATE"];

/// Compares the privileges on one label's table.
pub(super) fn label(
    wanted: Wanted<'_>,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let object = format!("privileges on {}", found.label);
    let application = wanted.application();
    let has = |privilege: &str| {
        found
            .grants
            .iter()
            .any(|grant| Some(grant.role.as_str()) == application && grant.privilege == privilege)
    };
    if let Some(role) = application {
        let lacking: Vec<&str> = DECLARED
            .into_iter()
            .filter(|privilege| !has(privilege))
            .collect();
        let table = wanted.table(&found.label)?;
        let quoted = quote_ident(role);
        if !lacking.is_empty() {
            findings.push(
                Finding::new(
                    "grant-missing",
                    &object,
                    format!("\"{role}\" lacks {}", lacking.join(", ")),
                )
                .mended_by(
                    Phase::Structure,
                    &object,
                    format!("GRANT {} ON {table} TO {quoted}", lacking.join(", ")),
                ),
            );
        }
        if !found.sequence_usable {
            let sequence = wanted.table(&format!("{}_id_seq", found.label))?;
            findings.push(
                Finding::new(
                    "grant-missing",
                    format!("privileges on the sequence of {}", found.label),
                    format!("\"{role}\" lacks USAGE"),
                )
                .mended_by(
                    Phase::Structure,
                    format!("privileges on the sequence of {}", found.label),
                    format!("GRANT USAGE ON SEQUENCE {sequence} TO {quoted}"),
                ),
            );
        }
    }
    let declared: &[&str] = if application.is_some() {
        &DECLARED
    } else {
        &[]
    };
    wider(&object, &found.grants, application, declared, findings);
    Ok(())
}

/// Compares the privileges on the schema, on labels to come, and on AGE's functions.
pub(super) fn graph(wanted: Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) -> Result<()> {
    let Some(graph) = &live.graph else {
        return Ok(());
    };
    let application = wanted.application();
    let schema = quote_ident(&wanted.ontology.graph);
    let object = format!("privileges on schema {}", wanted.ontology.graph);
    let declared: &[&str] = if application.is_some() {
        &["USAGE"]
    } else {
        &[]
    };
    wider(&object, &graph.grants, application, declared, findings);
    let Some(role) = application else {
        return Ok(());
    };
    let quoted = quote_ident(role);
    if !graph
        .grants
        .iter()
        .any(|grant| grant.role == role && grant.privilege == "USAGE")
    {
        findings.push(
            Finding::new("grant-missing", &object, format!("\"{role}\" lacks USAGE")).mended_by(
                Phase::Structure,
                &object,
                format!("GRANT USAGE ON SCHEMA {schema} TO {quoted}"),
            ),
        );
    }
    for (kind, privileges, noun) in [
        ("r", &DECLARED[..], "TABLES"),
        ("S", &["USAGE"][..], "SEQUENCES"),
    ] {
        let lacking: Vec<&str> = privileges
            .iter()
            .filter(|privilege| {
                !graph.default_grants.iter().any(|grant| {
                    grant.kind == kind && grant.role == role && grant.privilege == **privilege
                })
            })
            .copied()
            .collect();
        if !lacking.is_empty() {
            let what = format!("default privileges on {}", noun.to_lowercase());
            findings.push(
                Finding::new("default-privileges-missing", &what, format!("\"{role}\" is to get {}", lacking.join(", ")))
                    .mended_by(
                        Phase::Structure,
                        &what,
                        format!("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {} ON {noun} TO {quoted}", lacking.join(", ")),
                    ),
            );
        }
    }
    Ok(())
}

/// Tells what roles have beyond the declared.
fn wider(
    object: &str,
    grants: &[Grant],
    application: Option<&str>,
    declared: &[&str],
    findings: &mut Vec<Finding>,
) {
    let roles: BTreeSet<&str> = grants.iter().map(|grant| grant.role.as_str()).collect();
    for role in roles {
        let allowed = if Some(role) == application {
            declared
        } else {
            &[]
        };
        let more: Vec<&str> = grants
            .iter()
            .filter(|grant| grant.role == role && !allowed.contains(&grant.privilege.as_str()))
            .map(|grant| grant.privilege.as_str())
            .collect();
        if !more.is_empty() {
            findings.push(Finding::new(
                "grant-wider",
                object,
                format!("\"{role}\" has {}, which is not declared", more.join(", ")),
            ));
        }
    }
}
