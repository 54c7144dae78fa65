//! The graph: every label protected, and no function open that reads past the protection.

use super::Found;
use super::tables::read_as;
use crate::posture::scene::Scene;

pub(super) fn exposed(scene: &Scene<'_>) -> Vec<Found> {
    if scene.ontology.is_some() && !scene.graph_enforced() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for label in &scene.posture.labels {
        let Some(table) = scene.relations.get(&label.table) else {
            continue;
        };
        let Some(role) = scene
            .actors()
            .into_iter()
            .find(|role| table.grants(role, "rawd"))
        else {
            continue;
        };
        let declared = scene.is_label(label.table) && scene.ontology.is_some();
        let what = match (declared, table.secured, table.forced) {
            (false, ..) => "and no isolation is declared for the graph",
            (true, false, _) => {
                "and row security is off: tenant A matches vertices and edges of tenant B"
            }
            (true, true, false) => "and row security does not bind the owner",
            (true, true, true) => continue,
        };
        let name = table.full_name();
        found.push(
            Found::new(&name, format!("{role} reaches {name} {what}"))
                .reproduce(read_as(role, table))
                .fix(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; -- then: edu db graph")),
        );
    }
    found
}

pub(super) fn door(scene: &Scene<'_>) -> Vec<Found> {
    if !scene.graph_enforced() {
        return Vec::new();
    }
    let version = scene
        .posture
        .facts("extension")
        .find(|fact| fact.subject == "age")
        .map(|fact| fact.text.as_str());
    let checks_ends = version.is_some_and(at_least_1_7);
    let mut found = Vec::new();
    for function in scene
        .posture
        .functions
        .iter()
        .filter(|function| function.extension.as_deref() == Some("age"))
    {
        let end = matches!(function.name.as_str(), "age_startnode" | "age_endnode");
        let reads_past = end
            || matches!(
                function.name.as_str(),
                "age_vle" | "age_shortest_path" | "age_all_shortest_paths"
            );
        if !reads_past || end && checks_ends {
            continue;
        }
        if let Some(role) = scene
            .actors()
            .into_iter()
            .find(|role| function.callers.iter().any(|caller| caller == role))
        {
            let name = &function.signature;
            let message = format!(
                "{role} may call {name}, which reads the graph past row security: a path shows vertices of tenant B"
            );
            found.push(
                Found::new(name, message)
                    .fix(format!("REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC;")),
            );
        }
    }
    found
}

fn at_least_1_7(version: &str) -> bool {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    version >= (1, 7)
}
