//! The guard on vertices that a session names by graph id: an edge's ends, and what SET is given.
//!
//! AGE takes a vertex that a parameter makes up for a real one, and plain SQL can write any graph id into
//! an edge; no policy looks at either. A constraint does, on every version: it asks a function whether the
//! vertex of that id belongs to another tenant. The function has to see every tenant's vertices, so it runs
//! as a superuser; it answers yes or no. A vertex that the same statement makes is not there yet for it,
//! and none of another tenant: it passes. AGE 1.5 deletes without asking anything: that stays open.

use super::Wanted;
use super::isolation::rule;
use crate::catalog::name::{Name, quote_literal};
use crate::failure::Result;
use crate::graph::expression::{canonical, context_of, text_of};
use crate::graph::finding::{Finding, Phase};
use crate::graph::live::{self, Live};
use crate::spec::ontology::Isolation;

/// The function, in the graph's schema.
pub const FUNCTION: &str = "edu_vertex_is_own";

/// The constraint that edu puts on both parents.
pub const ENDS: &str = "edu_vertex_guard";

/// Compares the function.
pub(super) fn function(wanted: Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) -> Result<()> {
    if wanted.ontology.isolation != Isolation::Enforced {
        return Ok(());
    }
    let name = Name::new(&wanted.ontology.graph, FUNCTION)?;
    let object = format!("function {name}");
    let setting = wanted.manifest.context.tenant.as_deref();
    let context = context_of(setting.ok_or_else(|| super::lacks("context.tenant"))?)?;
    let body = format!(
        "BEGIN RETURN NOT EXISTS (SELECT FROM {} n WHERE n.id OPERATOR(ag_catalog.=) vertex AND {} IS DISTINCT FROM {context}); END",
        wanted.table("_ag_label_vertex")?,
        text_of(&wanted.ontology.tenant_property)?.replace("properties", "n.properties"),
    );
    let found = live.guard_function.as_ref();
    let (id, message) = match found {
        None => ("vertex-guard-missing", "it does not exist".to_owned()),
        Some(found) => match difference(found, &body) {
            Some(difference) => ("vertex-guard-differs", difference),
            None => return Ok(()),
        },
    };
    let role = crate::catalog::name::quote_ident(rule(wanted)?.application);
    let sql = format!(
        "CREATE OR REPLACE FUNCTION {name}(vertex ag_catalog.graphid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
         SECURITY DEFINER SET search_path = pg_catalog AS {}; ALTER FUNCTION {name}(ag_catalog.graphid) OWNER TO SESSION_USER;
         REVOKE ALL ON FUNCTION {name}(ag_catalog.graphid) FROM PUBLIC; GRANT EXECUTE ON FUNCTION {name}(ag_catalog.graphid) TO {role}",
        quote_literal(&body)?
    );
    findings.push(Finding::new(id, &object, message).mended_by(Phase::Superuser, &object, sql));
    Ok(())
}

/// What of the function is not as it has to be.
fn difference(found: &live::GuardFunction, body: &str) -> Option<String> {
    let say = |wrong: bool, text: &str| wrong.then(|| text.to_owned());
    say(
        !found.definer,
        "it runs as whoever asks, who sees one tenant alone",
    )
    .or_else(|| say(!found.bypasses, "it runs as a role that policies bind"))
    .or_else(|| say(found.public, "every role may call it"))
    .or_else(|| {
        say(
            !found.callable,
            "the application may not call it: its writes fail",
        )
    })
    .or_else(|| {
        let pinned = found
            .settings
            .iter()
            .any(|one| one == "search_path=pg_catalog");
        say(!pinned, "its search_path is not pinned")
    })
    .or_else(|| {
        say(
            canonical(&found.body) != canonical(body),
            "its text is another",
        )
    })
}

/// Compares the guard on one parent.
pub(super) fn guard(
    wanted: Wanted<'_>,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    if wanted.ontology.isolation != Isolation::Enforced {
        return Ok(());
    }
    let table = wanted.table(&found.label)?;
    let role = quote_literal(rule(wanted)?.application)?;
    let name = Name::new(&wanted.ontology.graph, FUNCTION)?;
    let asked = match found.kind.as_str() {
        "e" => format!("({name}(start_id) AND {name}(end_id))"),
        _ => format!("{name}(id)"),
    };
    let condition = format!("(CURRENT_USER <> {role}::name) OR {asked}");
    let make = format!("ADD CONSTRAINT {ENDS} CHECK ({condition}) NOT VALID");
    let object = format!("vertex guard on {}", found.label);
    let there = found
        .constraints
        .iter()
        .find(|constraint| constraint.name == ENDS);
    let (id, message, sql) = match there {
        None => (
            "vertex-guard-missing",
            "it does not exist".to_owned(),
            format!("ALTER TABLE {table} {make}"),
        ),
        Some(guard) if canonical(&guard.condition) != canonical(&condition) => (
            "vertex-guard-differs",
            format!("it is {}, declared is {condition}", guard.condition),
            format!("ALTER TABLE {table} DROP CONSTRAINT {ENDS}, {make}"),
        ),
        Some(_) => return Ok(()),
    };
    findings.push(Finding::new(id, &object, message).mended_by(Phase::Superuser, &object, sql));
    Ok(())
}
