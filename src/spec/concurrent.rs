//! The refusal of CONCURRENTLY on a graph's label tables.
//!
//! AGE releases a Cypher SET's lock when the statement ends, not when its transaction does. A concurrent
//! build beside such a transaction does not wait for it: the index is valid and lacks the changed rows,
//! on every version, without an error. A plain build waits and is right.

use super::document::Document;
use crate::failure::{Failure, Result};
use crate::sql::split::Script;
use crate::sql::token::{identifier, tokens};
use crate::sql::transaction::needs_no_transaction;

/// Refuses a statement that builds an index of a label table concurrently, by the schema's name; and one
/// that does so for every table of the database, the graph's included.
///
/// # Errors
/// Exit 2 with the place of the statement.
pub fn refuse_on_graph(graph: &str, document: &Document, script: &Script) -> Result<()> {
    for statement in &script.statements {
        let Some(what) = needs_no_transaction(statement) else {
            continue;
        };
        let concurrent = statement.text.to_ascii_uppercase().contains("CONCURRENTLY");
        let everywhere = matches!(what, "REINDEX DATABASE" | "REINDEX SYSTEM");
        let builds = matches!(
            what,
            "CREATE INDEX CONCURRENTLY" | "REINDEX CONCURRENTLY" | "REINDEX SCHEMA"
        );
        let of_graph = || {
            tokens(&statement.text).any(|token| {
                identifier(token.kind, &statement.text[token.span.clone()]).as_deref()
                    == Some(graph)
            })
        };
        if concurrent && (everywhere || (builds && of_graph())) {
            let at = statement.body.start..statement.body.start + statement.keyword.len();
            return Err(refusal(
                document.failure(at, refused(&document.path, graph)),
            ));
        }
    }
    Ok(())
}

/// The sentence of the refusal.
pub fn refused(what: &str, graph: &str) -> String {
    format!("\"{what}\" builds an index CONCURRENTLY on a label table of graph \"{graph}\"")
}

/// The refusal with its reason and the way out.
pub fn refusal(failure: Failure) -> Failure {
    failure
        .detail("Beside an open transaction with a Cypher SET the index lacks the changed rows, silently; a plain build waits for it.")
        .hint("Declare the index in graph/ontology.toml: edu db graph builds it plainly.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;
    use crate::sql::split::split;

    fn refuses(sql: &str) -> bool {
        let document = Document {
            path: "m.sql".into(),
            text: sql.into(),
        };
        let script = split(Source {
            path: "m.sql",
            text: sql,
        })
        .unwrap();
        refuse_on_graph("the_graph", &document, &script).is_err()
    }

    #[test]
    fn a_concurrent_build_on_a_label_table_is_refused_in_every_form() {
        for sql in [
            "CREATE INDEX CONCURRENTLY i ON the_graph.\"L\" (id)",
            "create unique index concurrently i on \"the_graph\".\"L\" (id)",
            "REINDEX TABLE CONCURRENTLY the_graph.\"L\"",
            "REINDEX (CONCURRENTLY) INDEX the_graph.i",
            "REINDEX SCHEMA CONCURRENTLY the_graph",
            "REINDEX DATABASE CONCURRENTLY d",
        ] {
            assert!(refuses(sql), "{sql}");
        }
    }

    #[test]
    fn a_plain_build_and_another_table_are_not() {
        for sql in [
            "CREATE INDEX i ON the_graph.\"L\" (id)",
            "CREATE INDEX CONCURRENTLY i ON public.t (the)",
            "REINDEX DATABASE d",
            "REINDEX TABLE the_graph.\"L\"",
        ] {
            assert!(!refuses(sql), "{sql}");
        }
    }
}
