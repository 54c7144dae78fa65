//! What can be wrong with an edge: an end that is gone, of another label, or of another tenant.

use super::{Probe, named};
use crate::catalog::name::quote_literal;
use crate::failure::Result;
use crate::graph::compare::{PARENTS, Wanted};
use crate::graph::live::Live;
use crate::spec::ontology::{Label, LabelKind};

pub(super) fn orphans(wanted: Wanted<'_>, label: &Label) -> Result<Probe> {
    let table = wanted.table(&label.name)?;
    let vertices = wanted.table(PARENTS[0].0)?;
    let gone = format!(
        "(NOT EXISTS (SELECT FROM {vertices} v WHERE v.id OPERATOR(ag_catalog.=) e.start_id) \
         OR NOT EXISTS (SELECT FROM {vertices} v WHERE v.id OPERATOR(ag_catalog.=) e.end_id))"
    );
    // Two anti-joins, each of which can hash; the OR of the deletion cannot.
    let lacking = |end: &str| {
        format!(
            "SELECT e.id, e.start_id, e.end_id FROM ONLY {table} e LEFT JOIN {vertices} v \
             ON v.id OPERATOR(ag_catalog.=) e.{end} WHERE v.id IS NULL"
        )
    };
    Ok(Probe {
        code: "data-orphan-edge",
        object: format!("label {}", label.name),
        counted: "edges whose start or end is gone".to_owned(),
        from: format!("({} UNION {}) x", lacking("start_id"), lacking("end_id")),
        example: "ag_catalog.graphid_out(x.id)::text || ' from ' || ag_catalog.graphid_out(x.start_id)::text || ' to ' || ag_catalog.graphid_out(x.end_id)::text".to_owned(),
        fix: Some(format!("DELETE FROM ONLY {table} e WHERE {gone}")),
    })
}

pub(super) fn ends(wanted: Wanted<'_>, live: &Live, label: &Label) -> Result<Vec<Probe>> {
    let table = wanted.table(&label.name)?;
    let mut probes = Vec::new();
    for (end, allowed) in [("start_id", &label.from), ("end_id", &label.to)] {
        let any = wanted
            .ontology
            .labels
            .iter()
            .filter(|l| l.kind == LabelKind::Vertex)
            .map(|l| &l.name);
        let names: Vec<&String> = if allowed.is_empty() {
            any.collect()
        } else {
            allowed.iter().collect()
        };
        let ids: Vec<String> = names
            .iter()
            .filter_map(|name| Some(live.label(name)?.id.to_string()))
            .collect();
        probes.push(Probe {
            code: "data-end-label",
            object: format!("label {}", label.name),
            counted: format!(
                "edges whose {} is no {}",
                if end == "start_id" { "start" } else { "end" },
                if allowed.is_empty() { "declared vertex label".to_owned() } else { allowed.join(" or ") }
            ),
            from: format!(
                "ONLY {table} WHERE ag_catalog._extract_label_id({end})::integer <> ALL (ARRAY[{}]::integer[])",
                ids.join(", ")
            ),
            example: named(""),
            fix: None,
        });
    }
    Ok(probes)
}

pub(super) fn tenants(wanted: Wanted<'_>, label: &Label) -> Result<Probe> {
    let table = wanted.table(&label.name)?;
    let vertices = wanted.table(PARENTS[0].0)?;
    let key = quote_literal(&wanted.ontology.tenant_property)?;
    let tenant = |alias: &str| format!("({alias}.properties OPERATOR(ag_catalog.->>) {key}::text)");
    Ok(Probe {
        code: "data-cross-tenant",
        object: format!("label {}", label.name),
        counted: "edges that do not belong to the tenant of both their ends".to_owned(),
        from: format!(
            "ONLY {table} e JOIN {vertices} a ON a.id OPERATOR(ag_catalog.=) e.start_id JOIN {vertices} b ON b.id OPERATOR(ag_catalog.=) e.end_id \
             WHERE {e} IS DISTINCT FROM {a} OR {e} IS DISTINCT FROM {b}",
            e = tenant("e"),
            a = tenant("a"),
            b = tenant("b"),
        ),
        example: "ag_catalog.graphid_out(e.id)::text".to_owned(),
        fix: None,
    })
}
