//! What this version of AGE gets wrong that concerns this ontology.

use super::compare::Wanted;
use super::finding::Finding;
use super::live::Live;
use crate::spec::ontology::Isolation;

/// The advice. Shape: by importance; notes on what edu already stands in for come last.
pub fn advice(wanted: Wanted<'_>, live: &Live) -> Vec<Finding> {
    let version = live.version();
    let object = format!("AGE {}", live.around.catalog_version);
    let enforced = wanted.ontology.isolation == Isolation::Enforced;
    let mut list: Vec<(&str, String)> = Vec::new();
    if version < (1, 6) {
        list.push((
            "age-merge-after-unwind",
            "MERGE after UNWIND or WITH loses the properties; fixed in 1.6".to_owned(),
        ));
        list.push(("age-crash", "exists() around a variable-length path ends the server, and so does enable_containment = off with a whole map as parameter; fixed in 1.6".to_owned()));
    }
    if version < (1, 7) {
        list.push((
            "age-select-writes",
            "SELECT alone lets a role SET and DELETE through Cypher; fixed in 1.7".to_owned(),
        ));
        if enforced {
            list.push(("age-writes-unchecked", "Cypher writes are not checked by policies; the tenant guard stands in; fixed in 1.7".to_owned()));
        }
    }
    if version >= (1, 6) {
        list.push((
            "age-restore-oid",
            "after a restore no MATCH works until edu db graph repair has run".to_owned(),
        ));
    }
    if ((1, 7)..=(1, 8)).contains(&version) {
        list.push(("age-crash", "id(a) IN list with OPTIONAL MATCH ends the server, and so does a policy with an SQL function on an edge".to_owned()));
    }
    if enforced {
        list.push((
            "age-paths-unchecked",
            "variable-length paths read past policies; they are revoked from the application"
                .to_owned(),
        ));
    }
    if enforced && version < (1, 7) {
        list.push(if wanted.ontology.cypher_delete {
            ("age-fabricated-vertex", "a vertex that an agtype parameter makes up can be deleted, whatever its tenant, because the ontology says cypher_delete; as an edge's end and in SET the vertex guard refuses it; fixed in 1.7".to_owned())
        } else {
            ("age-delete-unchecked", "Cypher's DELETE asks neither policies nor privileges; it is revoked, and the application deletes from the label tables by SQL; fixed in 1.7".to_owned())
        });
    }
    list.push((
        "age-concurrent-index",
        "edu builds plainly and refuses CONCURRENTLY on label tables".to_owned(),
    ));
    list.into_iter()
        .map(|(id, message)| Finding::new(id, object.clone(), message))
        .collect()
}
