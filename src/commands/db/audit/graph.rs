//! The graph: what `edu db graph verify` finds.

use super::{Part, Run, Told, counted};
use crate::catalog::name::quote_ident;
use crate::failure::{Failure, Result};
use crate::finding::{Finding, Level};
use crate::graph::compare::Wanted;
use crate::graph::lint::lint;
use crate::graph::{self, Severity};
use crate::pg::graph::prove::{self, Over};
use crate::pg::graph::verify;
use crate::pg::session;

/// What was looked at.
struct Looked {
    findings: Vec<graph::Finding>,
    /// Why the queries were not planned, if the role may not.
    unplanned: Option<Failure>,
}

impl Run<'_> {
    /// Returns whether the project has a graph.
    pub(super) fn graph(&mut self) -> Result<bool> {
        let project = self.audit.project;
        let Some(ontology) = project.ontology()? else {
            return Ok(false);
        };
        if !self.ready(Part::Graph) {
            return Ok(true);
        }
        let queries = project.queries(&ontology)?;
        let wanted = Wanted {
            manifest: &project.manifest,
            ontology: &ontology,
        };
        let outcome = self
            .audit
            .invocation
            .block_on(self.look_at_graph(wanted, &queries));
        let Some(looked) = self.unseen(Part::Graph, outcome)? else {
            return Ok(true);
        };
        let (notes, found): (Vec<_>, Vec<_>) = looked
            .findings
            .iter()
            .partition(|finding| finding.code.severity == Severity::Note);
        let told = |finding| Told::by_code(Part::Graph, shared(finding, &ontology.graph));
        self.told.extend(found.into_iter().map(told));
        let planned = match looked.unplanned {
            None => format!("{} planned", counted(queries.len(), "query", "queries")),
            Some(failure) => format!("queries not planned: {}", super::in_one(&failure)),
        };
        self.note(format!(
            "graph: \"{}\" looked at, {planned}; {} (edu db graph verify)",
            ontology.graph,
            counted(notes.len(), "note", "notes"),
        ));
        Ok(true)
    }

    async fn look_at_graph(
        &self,
        wanted: Wanted<'_>,
        queries: &[crate::spec::query::Query],
    ) -> Result<Looked> {
        let report = |progress| self.audit.invocation.ui.hear(progress);
        let (mut connection, _) = session::open(self.audit.server, "edu db verify").await?;
        let structure = verify::structure(&mut connection, wanted).await?;
        let mut findings = structure.findings;
        for query in queries {
            findings.extend(lint(query, wanted.ontology, Some(structure.version)));
        }
        let mut unplanned = None;
        if structure.complete {
            let plans = prove::plans(&mut connection, wanted, queries, Over::Stored, &report);
            match plans.await {
                Ok(found) => findings.extend(found),
                Err(failure) if failure.exit == crate::failure::Exit::Refused => {
                    unplanned = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Looked {
            findings,
            unplanned,
        })
    }
}

/// A finding about the graph in the shape that every report has. Its group is the label's table, so
/// that it stands with what the catalog says of it.
fn shared(finding: &graph::Finding, graph: &str) -> Finding {
    let code = finding.code;
    let last = |word: &str| finding.object.rsplit_once(word).map(|(_, label)| label);
    let label = last(" on ").or_else(|| finding.object.strip_prefix("label "));
    Finding {
        code: code.id.to_owned(),
        level: Level::Error,
        group: label.map_or_else(
            || finding.object.clone(),
            |label| format!("{}.{}", quote_ident(graph), quote_ident(label)),
        ),
        object: finding.object.clone(),
        message: finding.message.clone(),
        consequence: code.consequence.to_owned(),
        hint: Some(code.fix.to_owned()),
        repair: finding
            .step
            .as_ref()
            .map(|step| format!("{};", step.sql.trim_end_matches(';'))),
        path: None,
        place: None,
    }
}
