//! Which existing relations a statement locks so strongly that others have to wait.
//!
//! It is read off the statement's effects: a function, a DO block or a cascade can lock more. What is not
//! known gives no target; the runner's lock timeout holds for it all the same.

use super::effect::{Effect, Relation, Target, effects};
use super::lock::{Blocks, LockLevel};
use super::split::Statement;
use crate::catalog::name::quote_ident;

/// One relation that a statement locks strongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrongLock {
    /// The name, quoted, as `to_regclass` takes it.
    pub relation: String,
    /// Whom the lock keeps waiting: never nobody.
    pub blocks: Blocks,
}

/// The strong locks that `statement` asks for. Shape: in the statement's order; each relation once.
pub fn strong_locks(statement: &Statement) -> Vec<StrongLock> {
    file_locks(&[effects(statement)])
}

/// The strong locks that a file's statements ask for on relations that the file does not make itself. Shape:
/// each relation once, in the file's order.
pub fn file_locks(statements: &[Vec<Effect>]) -> Vec<StrongLock> {
    let mut made = Vec::new();
    let mut found: Vec<StrongLock> = Vec::new();
    for effect in statements.iter().flatten() {
        let (Target::Relation(relation) | Target::Index(relation)) = &effect.on else {
            continue;
        };
        let relation = quoted(relation);
        if effect.creates && !effect.perhaps {
            made.push(relation);
            continue;
        }
        let blocks = blocks(effect);
        if blocks == Blocks::Nobody || made.contains(&relation) {
            continue;
        }
        match found.iter_mut().find(|other| other.relation == relation) {
            Some(other) => other.blocks = other.blocks.max(blocks),
            None => found.push(StrongLock { relation, blocks }),
        }
    }
    found
}

/// REINDEX lets readers at the table, not at its indexes, and every query's planner looks at those.
fn blocks(effect: &Effect) -> Blocks {
    match effect.action {
        "REINDEX" => Blocks::ReadsAndWrites,
        _ => effect.lock.map_or(Blocks::Nobody, LockLevel::blocks),
    }
}

fn quoted(relation: &Relation) -> String {
    let name = quote_ident(&relation.name);
    match &relation.schema {
        Some(schema) => format!("{}.{name}", quote_ident(schema)),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;
    use crate::sql::split::split;

    fn of(text: &str) -> String {
        let script = split(Source {
            path: "x.sql",
            text,
        })
        .unwrap();
        let words: Vec<String> = strong_locks(&script.statements[0])
            .iter()
            .map(|lock| {
                let mark = match lock.blocks {
                    Blocks::ReadsAndWrites => "!",
                    _ => "",
                };
                format!("{}{mark}", lock.relation)
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_relation_and_the_strength_of_each_strong_lock_are_known() {
        for (text, wanted) in [
            ("ALTER TABLE IF EXISTS ONLY a.\"B\" ADD c int", "a.\"B\"!"),
            (
                "alter table a add constraint f foreign key (x) references s.b (y)",
                "a s.b",
            ),
            ("ALTER TABLE a ADD COLUMN b int REFERENCES c", "a! c"),
            ("ALTER TABLE a DISABLE TRIGGER ALL", "a"),
            ("DROP TABLE IF EXISTS a, b.c CASCADE", "a! b.c!"),
            ("TRUNCATE ONLY a, b * RESTART IDENTITY", "a! b!"),
            ("CREATE UNIQUE INDEX i ON ONLY s.t (a)", "s.t"),
            ("CREATE INDEX ON t (a)", "t"),
            (
                "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
                "t",
            ),
            ("CREATE POLICY p ON t USING (true)", "t!"),
            ("DROP POLICY IF EXISTS p ON s.t", "s.t!"),
            (
                "CREATE TABLE a (b int REFERENCES c (d), e int REFERENCES f)",
                "c f",
            ),
            ("CREATE TABLE a PARTITION OF b FOR VALUES IN (1)", "b!"),
            ("LOCK TABLE a IN ACCESS EXCLUSIVE MODE", "a!"),
            ("REINDEX TABLE a", "a!"),
            ("DROP MATERIALIZED VIEW v, s.w", "v! s.w!"),
            ("DROP FOREIGN TABLE f", "f!"),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_table_that_the_file_makes_is_nobody_elses_yet() {
        let text = "CREATE TABLE a (i int REFERENCES b (i)); CREATE INDEX ON a (i); ALTER TABLE b ADD j int;
             CREATE TABLE IF NOT EXISTS c (i int); CREATE INDEX ON c (i)";
        let script = split(Source {
            path: "x.sql",
            text,
        })
        .unwrap();
        let all: Vec<_> = script.statements.iter().map(effects).collect();
        let found: Vec<(String, Blocks)> = file_locks(&all)
            .into_iter()
            .map(|lock| (lock.relation, lock.blocks))
            .collect();
        let wanted = [
            ("b".to_owned(), Blocks::ReadsAndWrites),
            ("c".to_owned(), Blocks::Writes),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_lets_others_work_has_no_target() {
        for text in [
            "CREATE INDEX CONCURRENTLY i ON t (a)",
            "DROP INDEX CONCURRENTLY i",
            "ALTER TABLE a VALIDATE CONSTRAINT c",
            "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
            "REINDEX INDEX CONCURRENTLY i",
            "CREATE TABLE a (b int)",
            "INSERT INTO a VALUES (1)",
            "SELECT 'DROP TABLE a'",
        ] {
            assert_eq!(of(text), "", "{text}");
        }
    }
}
