//! An ontology against a graph that was found: every difference, each with the step that mends it.
//!
//! One comparison serves `apply`, `verify` and the dry run, so that none of them can see what another
//! does not.

mod ends;
mod index;
mod isolation;
mod label;
mod privilege;
mod schema;
mod surroundings;

pub use ends::FUNCTION;
pub use isolation::{GUARD, POLICY};
pub use surroundings::functions;

use super::finding::{Finding, Phase};
use super::live::{self, Live};
use crate::catalog::name::{Name, quote_literal};
use crate::failure::{Failure, Result};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::{Label, LabelKind, Ontology};

/// The two tables that all label tables inherit from. Source: AGE, `ag_label.h`.
pub const PARENTS: [(&str, LabelKind); 2] = [
    ("_ag_label_vertex", LabelKind::Vertex),
    ("_ag_label_edge", LabelKind::Edge),
];

/// What the graph is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Roles and settings.
    pub manifest: &'a Manifest,
    /// Labels, properties, indexes, isolation.
    pub ontology: &'a Ontology,
}

impl Wanted<'_> {
    /// The qualified table of a label or parent.
    ///
    /// # Errors
    /// Exit 2 for a name that no table can have.
    pub fn table(&self, label: &str) -> Result<Name> {
        Name::new(self.ontology.graph.clone(), label)
    }

    /// The role that applications run as.
    pub fn application(&self) -> Option<&str> {
        self.manifest.roles.application.as_deref()
    }
}

/// Every difference.
///
/// # Shape
/// Steps may be run in order, phase by phase. While the graph or a label is missing, nothing is said
/// about what hangs on it, because making it brings some of that.
///
/// # Errors
/// Exit 2 when `edu.toml` lacks what isolation needs.
pub fn compare(wanted: Wanted<'_>, live: &Live) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    surroundings::compare(wanted, live, &mut findings)?;
    if !graph(wanted, live, &mut findings)? {
        return Ok(findings);
    }
    for label in &wanted.ontology.labels {
        match live.label(&label.name) {
            None => findings.push(missing_label(wanted, label)?),
            Some(found) => one_label(wanted, live, label, found, &mut findings)?,
        }
    }
    ends::function(wanted, live, &mut findings)?;
    for (parent, _) in PARENTS {
        if let Some(found) = live.label(parent) {
            label::shape(wanted, parent, found, &mut findings);
            privilege::label(wanted, found, &mut findings)?;
            isolation::label(wanted, found, &mut findings)?;
            isolation::guard(wanted, found, &mut findings)?;
            ends::guard(wanted, found, &mut findings)?;
            schema::others(wanted, found, &[], &mut findings);
        }
    }
    undeclared(wanted, live, &mut findings);
    privilege::graph(wanted, live, &mut findings)?;
    Ok(findings)
}

/// Whether the labels of the graph can be looked at.
fn graph(wanted: Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) -> Result<bool> {
    let name = &wanted.ontology.graph;
    let object = format!("graph {name}");
    for what in &live.dangling {
        let id = if what.starts_with("graph") {
            "graph-namespace-missing"
        } else {
            "label-table-missing"
        };
        findings.push(Finding::new(
            id,
            what,
            "it is registered, but what it names is gone",
        ));
    }
    let Some(graph) = &live.graph else {
        let sql = format!("SELECT ag_catalog.create_graph({})", quote_literal(name)?);
        findings.push(
            Finding::new("graph-missing", &object, "it does not exist").mended_by(
                Phase::Label,
                format!("graph \"{name}\""),
                sql,
            ),
        );
        return Ok(false);
    };
    if graph.namespace.is_none() {
        return Ok(false);
    }
    if !graph.oid_fits {
        findings.push(Finding::new(
            "graph-oid-stale",
            &object,
            "its registered oid is not its schema's",
        ));
    }
    if let (Some(wanted), Some(found)) = (&wanted.manifest.roles.owner, &graph.owner)
        && wanted != found
    {
        findings.push(Finding::new(
            "graph-owner",
            &object,
            format!("its schema belongs to \"{found}\", not to \"{wanted}\""),
        ));
    }
    Ok(true)
}

fn missing_label(wanted: Wanted<'_>, label: &Label) -> Result<Finding> {
    let maker = match label.kind {
        LabelKind::Vertex => "create_vlabel",
        LabelKind::Edge => "create_elabel",
    };
    let graph = quote_literal(&wanted.ontology.graph)?;
    let name = quote_literal(&label.name)?;
    let what = format!("label {}", label.name);
    Ok(
        Finding::new("label-missing", &what, "it is declared and does not exist").mended_by(
            Phase::Label,
            &what,
            format!("SELECT ag_catalog.{maker}({graph}, {name})"),
        ),
    )
}

fn one_label(
    wanted: Wanted<'_>,
    live: &Live,
    label: &Label,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let kind = if label.kind == LabelKind::Vertex {
        "v"
    } else {
        "e"
    };
    if found.kind != kind {
        findings.push(Finding::new(
            "label-kind",
            format!("label {}", label.name),
            "it exists as the other kind: a label is for vertices or for edges",
        ));
        return Ok(());
    }
    if !label::shape(wanted, &label.name, found, findings) {
        return Ok(());
    }
    index::label(wanted, label, found, findings)?;
    label::triggers(wanted, live, found, findings)?;
    privilege::label(wanted, found, findings)?;
    isolation::label(wanted, found, findings)?;
    schema::label(wanted, label, found, findings)
}

fn undeclared(wanted: Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) {
    let parent = |name: &str| PARENTS.iter().any(|(parent, _)| *parent == name);
    for found in live.labels.iter().filter(|found| !parent(&found.label)) {
        if wanted.ontology.label(&found.label).is_none() {
            findings.push(Finding::new(
                "label-undeclared",
                format!("label {}", found.label),
                "the graph has it, graph/ontology.toml has not",
            ));
        }
    }
    for table in &live.strangers {
        findings.push(Finding::new(
            "label-table-unregistered",
            format!("table {table}"),
            "it stands in the graph's schema, and no label names it",
        ));
    }
}

/// What isolation cannot do without.
fn lacks(key: &str) -> Failure {
    Failure::usage(format!("isolation = \"enforced\" needs {key} in edu.toml"))
        .hint("Name it there, or declare isolation = \"property\".")
}
