//! Every code that a finding about a graph can have, with what it means and what to do.
//!
//! Codes never change: allow-lists and scripts name them.

use super::finding::Severity;

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Its name, kebab-case.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What happens because of it.
    pub consequence: &'static str,
    /// What to do.
    pub fix: &'static str,
}

const APPLY: &str = "edu db graph";
const REPAIR: &str = "edu db graph repair";

macro_rules! codes {
    ($($id:literal $severity:ident $consequence:literal => $fix:expr;)*) => {
        /// All of them, by name.
        pub static CODES: &[Code] = &[$(Code {
            id: $id, severity: Severity::$severity, consequence: $consequence, fix: $fix,
        }),*];
    };
}

codes! {
    "graph-missing" Error "no query can run" => APPLY;
    "graph-oid-stale" Error "on AGE 1.8 every MATCH fails with \"graph with oid … does not exist\"; a restored dump leaves this" => REPAIR;
    "graph-namespace-missing" Error "the graph's name is taken by a row without a schema; neither create_graph nor drop_graph works" => REPAIR;
    "graph-owner" Error "the owner of the project cannot add labels, and another role can" => "ALTER SCHEMA … OWNER TO …, and the same for its tables and sequences";
    "label-missing" Error "the first write would have to create it, which the application may not" => APPLY;
    "label-kind" Error "patterns with this label find nothing, and writes fail" => "give the label another name in graph/ontology.toml, or drop the existing one";
    "label-undeclared" Warning "nothing checks, indexes or isolates what it holds" => "declare it in graph/ontology.toml, or drop it with ag_catalog.drop_label";
    "label-table-missing" Error "the label's row names a table that is gone; creating the label again fails" => REPAIR;
    "label-table-renamed" Error "MATCH finds nothing by either name, and a variable-length path fails for the whole graph" => "rename the table back to the label's name";
    "label-table-moved" Error "Cypher writes and reads fail: the table is not in the graph's schema" => "ALTER TABLE … SET SCHEMA";
    "label-table-unregistered" Warning "it looks like a label's table, but Cypher does not know it" => "drop it, or restore its row in ag_catalog.ag_label";
    "label-inheritance" Error "unlabelled patterns do not see it, and neither constraint nor policy of the parent holds for it" => "ALTER TABLE … INHERIT";
    "label-id-default" Error "new rows get no graph id, or one of another label" => REPAIR;
    "label-columns" Error "AGE overwrites further columns with garbage, or crashes on them" => "AGE refuses DROP COLUMN here: make a new label and move the rows";
    "label-owner" Error "the owner of the project cannot maintain the table" => "ALTER TABLE … OWNER TO …";
    "key-missing" Error "two vertices may get one graph id, and a join by graph id reads the whole label" => APPLY;
    "index-missing" Error "what it serves reads the whole label" => APPLY;
    "index-differs" Error "what the declared index serves reads the whole label, or a promised uniqueness does not hold" => APPLY;
    "index-invalid" Error "it costs every write and serves no query; a broken-off CONCURRENTLY leaves this" => APPLY;
    "index-undeclared" Note "it costs every write; no declaration says what it serves" => "declare it in graph/ontology.toml, or drop it";
    "cache-trigger-missing" Error "variable-length paths return stale results after plain SQL writes" => APPLY;
    "trigger-not-fired" Warning "Cypher writes do not fire it: what it promises does not hold" => "use a CHECK constraint, or write through SQL alone";
    "foreign-key-not-checked" Warning "Cypher writes do not check it: what it promises does not hold" => "edu db graph check finds what it would have refused";
    "row-security-off" Error "every role with SELECT reads every tenant" => APPLY;
    "row-security-not-forced" Error "whoever owns the graph reads and writes every tenant without noticing" => APPLY;
    "policy-missing" Error "the application sees nothing, or unlabelled patterns see every tenant" => APPLY;
    "policy-differs" Error "what the policy lets through is not what the ontology says" => APPLY;
    "policy-undeclared" Error "permissive policies add up: this one can show one tenant another's rows" => "drop it";
    "policy-forbidden-form" Error "on AGE 1.8 a sub-select in a policy breaks every Cypher write, and a function can end the server" => "write it with inline built-ins alone; edu's own policy does";
    "guard-missing" Error "AGE 1.5 checks no policy on writes: a session can write into another tenant" => APPLY;
    "guard-differs" Error "AGE 1.5 checks no policy on writes, and the constraint does not stand in as declared" => APPLY;
    "vertex-guard-missing" Error "a session that knows or makes up a graph id can join an edge to another tenant's vertex, and on AGE 1.5 take the vertex over" => "as a superuser: edu db graph";
    "vertex-guard-differs" Error "the guard on vertices named by graph id does not stand in as declared" => "as a superuser: edu db graph";
    "check-missing" Error "vertices or edges that break their property schema are accepted" => APPLY;
    "check-differs" Error "the constraint does not say what the property schema says" => APPLY;
    "check-not-valid" Warning "rows from before the constraint may break it" => "edu db graph check shows them; mend them, then: edu db graph";
    "check-undeclared" Note "it refuses writes that the ontology allows" => "declare what it says in graph/ontology.toml, or drop it";
    "grant-missing" Error "queries of the application fail with \"permission denied\"" => APPLY;
    "grant-wider" Error "a role has more rights on the graph than declared; on AGE 1.5 SELECT alone lets it write" => "REVOKE it";
    "default-privileges-missing" Warning "labels to come are closed to the application" => APPLY;
    "function-open" Error "the application can read past privileges and policies, or read the server's files" => "edu db graph as a superuser, or: edu db bootstrap";
    "leakproof-missing" Warning "under row security the graph's operators are no index conditions; a restore loses the mark" => "edu db graph as a superuser";
    "search-path" Error "Cypher fails without ag_catalog on the path; with it in first place new tables land in it" => "ALTER DATABASE … SET search_path = \"$user\", public, ag_catalog";
    "not-preloaded" Error "a role that is no superuser cannot load AGE: its queries fail, and on 1.8 its session is lost" => "edu db bootstrap";
    "version-behind" Error "the library is newer than its catalog: functions are missing or fail" => "ALTER EXTENSION age UPDATE; drop GIN indexes on label tables before going from 1.5 to 1.6, and build them after";
    "query-fails" Error "the declared query cannot run" => "correct the file under graph/queries";
    "query-unbound" Error "a pattern is not bound to the tenant: it is one policy away from another tenant's rows" => "add the tenant property to every vertex and edge of the pattern";
    "query-plan" Error "the query reads the whole label" => "declare the index it needs, or write the pattern so that it is used";
    "query-result" Error "the query does not return what its fixture says" => "correct the query or graph/fixtures";
    "age-select-writes" Note "AGE before 1.7: a role with SELECT alone can SET and DELETE through Cypher" => "grant no role SELECT that may not write, or use AGE 1.8";
    "age-merge-after-unwind" Note "AGE 1.5: MERGE after UNWIND or WITH stores empty properties" => "use UNWIND … CREATE, or edu db graph load";
    "age-writes-unchecked" Note "AGE before 1.7 applies no policy to Cypher writes; edu's guard stands in" => "keep isolation = \"enforced\"";
    "age-paths-unchecked" Note "variable-length paths, shortest paths and age_vle() read past policies and privileges on every version" => "keep them revoked; write bounded traversals as recursive SQL";
    "age-fabricated-vertex" Note "on AGE before 1.7 a session that passes a made-up vertex as an agtype parameter deletes the real one of that id, whatever its tenant" => "take cypher_delete out of graph/ontology.toml, or let no one else write agtype parameters: JSON cannot hold such a vertex";
    "age-delete-unchecked" Note "AGE before 1.7 asks neither policies nor privileges when Cypher deletes, so the application may not" => "delete by SQL, which policies bind: DELETE FROM graph.\"Label\" WHERE …, edges first; or say cypher_delete = true in graph/ontology.toml and keep the hole";
    "age-concurrent-index" Note "CREATE INDEX CONCURRENTLY on a label table beside an open Cypher SET leaves an index without the changed rows" => "build plainly: edu db graph does";
    "age-restore-oid" Note "AGE 1.8 does not find a restored graph until its oids are repaired" => REPAIR;
    "age-crash" Note "a query form is known to end the server of this version" => "do not write it; edu db graph lint finds it";
    "lint-label-alternation" Error "AGE has no choice of labels in a pattern: a syntax error on every version" => "leave the label out and compare type(r), or write recursive SQL";
    "lint-undirected" Warning "an undirected pattern reads every edge of its label" => "write both directions with UNION ALL";
    "lint-path" Error "variable-length paths ignore policies: the application may not use them" => "write a bounded recursive SQL query";
    "lint-unwind-merge" Error "AGE 1.5 stores empty properties for MERGE after UNWIND or WITH" => "use UNWIND … CREATE, or edu db graph load";
    "lint-match-index" Warning "a pattern with properties needs a GIN index on the property map" => "declare match = […] for the label";
    "lint-where-index" Warning "a comparison on a property reads the whole label without an index on it" => "declare where = [\"…\"] for the label";
    "lint-concurrently" Error "CONCURRENTLY on a label table corrupts silently beside an open Cypher SET" => "declare the index in graph/ontology.toml; edu builds it plainly";
    "lint-unknown-label" Error "a label that the ontology does not have matches nothing and says nothing" => "correct the name";
    "data-orphan-edge" Error "an edge without its vertex makes every variable-length path of the graph fail on AGE 1.5" => "edu db graph check --fix";
    "data-end-label" Error "the edge joins labels that the ontology does not allow" => "correct or delete the edge";
    "data-duplicate-id" Error "an id names two vertices" => "merge or delete one of them";
    "data-cross-tenant" Error "an edge joins vertices of different tenants, or belongs to a third" => "delete the edge";
    "data-required" Error "a required property is missing" => "set it";
    "data-type" Error "a property has another type than declared" => "set it again";
    "data-enum" Error "a property is none of the declared words" => "set it again";
    "data-range" Error "a number is out of its bounds" => "set it again";
    "data-length" Error "a text or an array is too short" => "set it again";
    "data-unknown" Error "a property is not declared" => "remove it, or declare it in graph/ontology.toml";
    "data-reference" Error "a property names a row that does not exist" => "correct or remove the property";
    "data-link" Error "a table names a vertex that does not exist" => "correct or delete the row";
    "data-unlinked" Note "a vertex has no row in a table that could name it" => "nothing, unless every vertex is to have one";
    "data-label-id" Error "a row has the graph id of another label" => "restore the row through Cypher or edu db graph load";
    "sequence-behind" Error "the next vertex or edge gets a graph id that is taken: silently twice on AGE 1.5" => REPAIR;
    "data-not-seen" Note "rows of other tenants were not looked at" => "connect as a superuser or a role with BYPASSRLS";
}

/// The code of that name.
pub fn find(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id == id)
}

/// The code that edu itself names. A name that is not in the table is a defect; it is shown as the
/// gravest kind, and a test forbids it.
pub(super) fn known(id: &str) -> &'static Code {
    static UNKNOWN: Code = Code {
        id: "unknown",
        severity: Severity::Error,
        consequence: "",
        fix: "",
    };
    find(id).unwrap_or(&UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_the_source_names_is_explained() {
        let mut text = String::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("graph/code.rs") {
                    text.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        for part in text.split("Finding::new(").skip(1) {
            let part = part.trim_start();
            if let Some(id) = part
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next())
            {
                assert!(find(id).is_some(), "{id} is not in the table");
            }
        }
    }
}
