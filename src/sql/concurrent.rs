//! Reading the statements that work concurrently, beside the index build: what they work on.

use super::reader::Reader;
use super::split::Statement;

/// A statement that leaves something half-done when it is broken off, which can be seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concurrent {
    /// `DROP INDEX CONCURRENTLY name`.
    DropIndex(String),
    /// `REINDEX … CONCURRENTLY name` of an index or a table.
    Reindex(String),
    /// `ALTER TABLE parent DETACH PARTITION child CONCURRENTLY`.
    Detach {
        /// The partitioned table.
        parent: String,
        /// The partition.
        child: String,
    },
}

/// Reads such a statement. Shape: names are quoted, as `to_regclass` takes them.
pub fn concurrent(statement: &Statement) -> Option<Concurrent> {
    let mut reader = Reader::new(&statement.text);
    match statement.keyword.as_str() {
        "DROP" => {
            reader.skip(&["DROP"]);
            if !reader.skip(&["INDEX", "CONCURRENTLY"]) {
                return None;
            }
            reader.skip(&["IF", "EXISTS"]);
            reader.name().map(Concurrent::DropIndex)
        }
        "REINDEX" => {
            if !reader.has("CONCURRENTLY") || !(reader.seek("INDEX") || reader.seek("TABLE")) {
                return None;
            }
            reader.skip(&["CONCURRENTLY"]);
            reader.name().map(Concurrent::Reindex)
        }
        "ALTER" => {
            reader.skip(&["ALTER"]);
            if !reader.skip(&["TABLE"]) {
                return None;
            }
            reader.skip(&["IF", "EXISTS"]);
            reader.skip(&["ONLY"]);
            let parent = reader.name()?;
            if !reader.skip(&["DETACH", "PARTITION"]) {
                return None;
            }
            let child = reader.name()?;
            reader
                .skip(&["CONCURRENTLY"])
                .then_some(Concurrent::Detach { parent, child })
        }
        _ => None,
    }
}

/// Whether the text of a DO block can end a transaction; then it cannot run within one.
pub fn may_commit(statement: &Statement) -> bool {
    match statement.keyword.as_str() {
        "CALL" => true,
        "DO" => {
            let text = statement.text.to_ascii_uppercase();
            text.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| matches!(word, "COMMIT" | "ROLLBACK" | "CALL" | "EXECUTE"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;
    use crate::sql::split::split;

    fn one(text: &str) -> Statement {
        let source = Source {
            path: "x.sql",
            text,
        };
        split(source).unwrap().statements.remove(0)
    }

    #[test]
    fn each_concurrent_statement_tells_what_it_works_on() {
        let read = |text: &str| concurrent(&one(text));
        assert_eq!(
            read("DROP INDEX CONCURRENTLY IF EXISTS s.i"),
            Some(Concurrent::DropIndex("s.i".into()))
        );
        assert_eq!(
            read("REINDEX (VERBOSE) TABLE CONCURRENTLY \"T\""),
            Some(Concurrent::Reindex("\"T\"".into()))
        );
        assert_eq!(
            read("ALTER TABLE a DETACH PARTITION b CONCURRENTLY;"),
            Some(Concurrent::Detach {
                parent: "a".into(),
                child: "b".into()
            })
        );
        assert_eq!(read("DROP INDEX i"), None);
        assert_eq!(read("ALTER TABLE a DETACH PARTITION b"), None);
    }

    #[test]
    fn a_block_that_names_no_commit_can_run_in_a_transaction() {
        assert!(!may_commit(&one("DO $$ BEGIN PERFORM committed(); END $$")));
        assert!(may_commit(&one("DO $$ BEGIN COMMIT; END $$")));
        assert!(may_commit(&one("CALL p()")));
    }
}
