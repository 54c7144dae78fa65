//! A label's table: where it is, what it inherits, its columns and its triggers.

use super::{PARENTS, Wanted};
use crate::failure::Result;
use crate::graph::finding::{Finding, Phase};
use crate::graph::live::{self, Live};

/// The trigger that AGE 1.8 puts on every label table.
const CACHE_TRIGGER: &str = "_age_cache_invalidate";

/// Compares the table's place and form. Whether the rest can be compared at all.
pub(super) fn shape(
    wanted: Wanted<'_>,
    name: &str,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> bool {
    let mut say = |id: &str, message: String| {
        findings.push(Finding::new(id, format!("label {name}"), message));
    };
    let Some(relation) = &found.relation else {
        return false;
    };
    if relation != name {
        say(
            "label-table-renamed",
            format!("its table is named \"{relation}\""),
        );
        return false;
    }
    if found.namespace.as_deref() != Some(wanted.ontology.graph.as_str()) {
        let place = found.namespace.as_deref().unwrap_or("nothing");
        say(
            "label-table-moved",
            format!("its table is in schema \"{place}\""),
        );
        return false;
    }
    let parent = PARENTS
        .iter()
        .find(|(_, kind)| {
            (*kind == crate::spec::ontology::LabelKind::Vertex) == (found.kind == "v")
        })
        .map(|(parent, _)| *parent);
    let is_parent = parent == Some(name);
    if !is_parent && found.parent.as_deref() != parent {
        let inherits = found
            .parent
            .as_deref()
            .map_or("nothing".to_owned(), |p| format!("\"{p}\""));
        say(
            "label-inheritance",
            format!("its table inherits from {inherits}"),
        );
    }
    if !id_default_fits(wanted, name, found) {
        say(
            "label-id-default",
            match &found.id_default {
                Some(default) => format!("the default of its ids is {default}"),
                None => "its ids have no default".to_owned(),
            },
        );
    }
    let others = other_columns(found);
    if !others.is_empty() {
        say(
            "label-columns",
            format!("its table has {}", others.join(", ")),
        );
    }
    if let (Some(owner), Some(is)) = (&wanted.manifest.roles.owner, &found.owner)
        && owner != is
    {
        say(
            "label-owner",
            format!("its table belongs to \"{is}\", not to \"{owner}\""),
        );
    }
    true
}

/// The columns beyond AGE's own.
fn other_columns(found: &live::Label) -> Vec<&str> {
    let own: &[&str] = if found.kind == "v" {
        &["id", "properties"]
    } else {
        &["id", "start_id", "end_id", "properties"]
    };
    let columns = found.columns.iter().map(String::as_str);
    columns.filter(|column| !own.contains(column)).collect()
}

/// AGE takes a new row's label from the names in the default of `id`.
fn id_default_fits(wanted: Wanted<'_>, name: &str, found: &live::Label) -> bool {
    let literal = |text: &str| format!("'{}'::name", text.replace('\'', "''"));
    found.id_default.as_ref().is_some_and(|default| {
        default.contains(&literal(&wanted.ontology.graph))
            && default.contains(&literal(name))
            && default.contains("nextval(")
    })
}

/// Compares the triggers: AGE's own must be there, others do not do what they promise.
pub(super) fn triggers(
    wanted: Wanted<'_>,
    live: &Live,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let label = &found.label;
    let cache = found
        .triggers
        .iter()
        .find(|trigger| trigger.name == CACHE_TRIGGER);
    if live.around.cache_function && !cache.is_some_and(|trigger| trigger.enabled) {
        let table = wanted.table(label)?;
        let sql = if cache.is_some() {
            format!("ALTER TABLE {table} ENABLE TRIGGER {CACHE_TRIGGER}")
        } else {
            format!(
                "CREATE TRIGGER {CACHE_TRIGGER} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION ag_catalog.age_invalidate_graph_cache()"
            )
        };
        let state = if cache.is_some() {
            "is switched off"
        } else {
            "does not exist"
        };
        findings.push(
            Finding::new(
                "cache-trigger-missing",
                format!("cache trigger on {label}"),
                state,
            )
            .mended_by(Phase::Structure, format!("cache trigger on {label}"), sql),
        );
    }
    for trigger in found
        .triggers
        .iter()
        .filter(|trigger| trigger.name != CACHE_TRIGGER)
    {
        findings.push(Finding::new(
            "trigger-not-fired",
            format!("trigger {} on {label}", trigger.name),
            "Cypher writes pass it by",
        ));
    }
    for key in found
        .constraints
        .iter()
        .filter(|constraint| constraint.kind == "f")
    {
        findings.push(Finding::new(
            "foreign-key-not-checked",
            format!("foreign key {} on {label}", key.name),
            "Cypher writes pass it by",
        ));
    }
    Ok(())
}
