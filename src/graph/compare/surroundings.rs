//! What a graph needs around it: AGE's version, its library, the path, and its dangerous functions.

use super::Wanted;
use crate::failure::Result;
use crate::graph::finding::{Finding, Phase};
use crate::graph::live::{Function, Live};
use crate::spec::ontology::Isolation;

/// Functions that read a graph past privileges and policies, whatever the version.
const LEAKING: [&str; 7] = [
    "age_all_shortest_paths",
    "age_delete_global_graphs",
    "age_graph_stats",
    "age_shortest_path",
    "age_vertex_stats",
    "age_vle",
    "create_subgraph",
];

/// Functions that make a vertex out of nothing, which DELETE and CREATE take for a real one of any tenant.
const FABRICATING: [&str; 3] = [
    "agtype_typecast_edge",
    "agtype_typecast_path",
    "agtype_typecast_vertex",
];

/// Functions that read the server's files.
const FILES: [&str; 2] = ["load_edges_from_file", "load_labels_from_file"];

/// Functions that give back a foreign vertex before AGE 1.7.
const ENDPOINTS: [&str; 2] = ["age_endnode", "age_startnode"];

/// What carries out Cypher's DELETE. Before AGE 1.7 it asks neither policies nor privileges, and takes a
/// vertex that a parameter makes up for the real one.
const DELETING: [&str; 1] = ["_cypher_delete_clause"];

/// Functions behind the operators that index conditions need.
const OPERATORS: [&str; 4] = [
    "agtype_access_operator",
    "agtype_contains",
    "agtype_eq",
    "graphid_eq",
];

/// Every function that the inspection has to look at.
pub fn functions() -> Vec<&'static str> {
    [
        &LEAKING[..],
        &FABRICATING,
        &FILES,
        &ENDPOINTS,
        &DELETING,
        &OPERATORS,
    ]
    .concat()
}

pub(super) fn compare(wanted: Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) -> Result<()> {
    let around = &live.around;
    if let Some(library) = around
        .library_version
        .as_ref()
        .filter(|version| **version != around.catalog_version)
    {
        findings.push(Finding::new(
            "version-behind",
            "extension age",
            format!(
                "the catalog is of {}, the installed library of {library}",
                around.catalog_version
            ),
        ));
    }
    if around.preloaded == Some(false) {
        findings.push(Finding::new(
            "not-preloaded",
            "extension age",
            "sessions of the application do not load it",
        ));
    }
    if let Some(path) = &around.search_path
        && let Some(problem) = path_problem(path)
    {
        findings.push(Finding::new(
            "search-path",
            "search_path of the application",
            format!("it is {path}: {problem}"),
        ));
    }
    if wanted.ontology.isolation == Isolation::Enforced && around.application {
        open_functions(wanted.ontology.cypher_delete, live, findings);
    }
    if wanted.ontology.leakproof {
        for function in live
            .functions
            .iter()
            .filter(|f| OPERATORS.contains(&f.name.as_str()) && !f.leakproof)
        {
            let object = format!("function {}", function.signature);
            findings.push(
                Finding::new("leakproof-missing", &object, "it is not marked LEAKPROOF").mended_by(
                    Phase::Superuser,
                    format!("LEAKPROOF on {}", function.name),
                    format!("ALTER FUNCTION {} LEAKPROOF", function.signature),
                ),
            );
        }
    }
    Ok(())
}

fn open_functions(cypher_delete: bool, live: &Live, findings: &mut Vec<Finding>) {
    let before_1_7 = live.version() < (1, 7);
    let deletes = before_1_7 && !cypher_delete;
    let dangerous = |function: &&Function| {
        let name = function.name.as_str();
        LEAKING.contains(&name)
            || FABRICATING.contains(&name)
            || FILES.contains(&name)
            || (before_1_7 && ENDPOINTS.contains(&name))
            || (deletes && DELETING.contains(&name))
    };
    for function in live
        .functions
        .iter()
        .filter(|f| f.callable)
        .filter(dangerous)
    {
        let object = format!("function {}", function.signature);
        findings.push(
            Finding::new("function-open", &object, "the application may call it").mended_by(
                Phase::Superuser,
                format!("revocation of {}", function.name),
                format!(
                    "REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC",
                    function.signature
                ),
            ),
        );
    }
}

fn path_problem(path: &str) -> Option<&'static str> {
    let mut parts = path.split(',').map(|part| part.trim().trim_matches('"'));
    match parts.position(|part| part == "ag_catalog") {
        None => Some("ag_catalog is not on it"),
        Some(0) => Some("ag_catalog is first, so that new tables land in it"),
        Some(_) => None,
    }
}
