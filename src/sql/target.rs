//! Which existing relations a statement locks so strongly that others have to wait.
//!
//! Looks at tokens only: a function, a DO block or a cascade can lock more. What is not known gives
//! no target; the runner's lock timeout holds for it all the same.
//! Source: the PostgreSQL manual, "Explicit Locking".

use super::reader::Reader;
use super::split::Statement;

/// Whom a lock keeps waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Writers: `Share` and `ShareRowExclusive`.
    Writes,
    /// Readers and writers: `AccessExclusive`.
    All,
}

/// One relation a statement wants to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name, quoted, as `to_regclass` takes it.
    pub relation: String,
    /// Whom the lock keeps waiting.
    pub strength: Strength,
}

/// The strong locks that `statement` asks for. Shape: in the statement's order; may repeat a relation.
pub fn targets(statement: &Statement) -> Vec<Target> {
    if !matches!(
        statement.keyword.as_str(),
        "ALTER" | "DROP" | "CREATE" | "TRUNCATE" | "LOCK" | "REFRESH" | "CLUSTER" | "REINDEX"
    ) {
        return Vec::new();
    }
    let mut reader = Reader::new(&statement.text);
    let mut found = Vec::new();
    let first = reader.word();
    match first.as_str() {
        "ALTER" => alter(&mut reader, &mut found),
        "DROP" => drop_things(&mut reader, &mut found),
        "CREATE" => create(&mut reader, &mut found),
        "TRUNCATE" | "LOCK" => {
            reader.skip(&["TABLE"]);
            all(&mut reader, &mut found);
        }
        "REFRESH" => {
            reader.skip(&["MATERIALIZED", "VIEW"]);
            if !reader.skip(&["CONCURRENTLY"]) {
                all(&mut reader, &mut found);
            }
        }
        "CLUSTER" => all(&mut reader, &mut found),
        _ => {
            let one = reader.skip(&["INDEX"]) || reader.skip(&["TABLE"]);
            if one && !reader.skip(&["CONCURRENTLY"]) {
                all(&mut reader, &mut found);
            }
        }
    }
    found
}

/// The strong locks that a whole file asks for on relations that it does not make itself. Shape: each
/// relation once, in the file's order.
pub fn file_targets(statements: &[Statement]) -> Vec<Target> {
    let mut made = Vec::new();
    let mut found: Vec<Target> = Vec::new();
    for statement in statements {
        for target in targets(statement) {
            match found
                .iter_mut()
                .find(|other| other.relation == target.relation)
            {
                Some(other) => other.strength = other.strength.max(target.strength),
                None if made.contains(&target.relation) => {}
                None => found.push(target),
            }
        }
        made.extend(made_table(statement));
    }
    found
}

/// The table that a CREATE TABLE makes, unless one may be there already.
fn made_table(statement: &Statement) -> Option<String> {
    if statement.keyword != "CREATE" {
        return None;
    }
    let mut reader = Reader::new(&statement.text);
    reader.skip(&["CREATE"]);
    reader.skip(&["UNLOGGED"]);
    if !reader.skip(&["TABLE"]) || reader.follows(&["IF"]) {
        return None;
    }
    reader.name()
}

fn alter(reader: &mut Reader, found: &mut Vec<Target>) {
    match reader.word().as_str() {
        "TABLE" | "VIEW" | "SEQUENCE" => {}
        "MATERIALIZED" | "FOREIGN" => drop(reader.word()),
        "POLICY" | "TRIGGER" | "RULE" => return on(reader, Strength::All, found),
        _ => return,
    }
    reader.skip(&["IF", "EXISTS"]);
    reader.skip(&["ONLY"]);
    let Some(relation) = reader.name() else {
        return;
    };
    if reader.has("VALIDATE") || reader.has("CONCURRENTLY") {
        return;
    }
    let triggers = reader.has("TRIGGER") && (reader.has("ENABLE") || reader.has("DISABLE"));
    let weak = triggers || reader.follows(&["ADD"]) && reader.has("FOREIGN");
    let strength = if weak {
        Strength::Writes
    } else {
        Strength::All
    };
    found.push(Target { relation, strength });
    references(reader, found);
}

fn drop_things(reader: &mut Reader, found: &mut Vec<Target>) {
    match reader.word().as_str() {
        "TABLE" | "VIEW" | "SEQUENCE" => {}
        "INDEX" if reader.skip(&["CONCURRENTLY"]) => return,
        "INDEX" => {}
        "MATERIALIZED" | "FOREIGN" => drop(reader.word()),
        "POLICY" | "TRIGGER" | "RULE" => return on(reader, Strength::All, found),
        _ => return,
    }
    reader.skip(&["IF", "EXISTS"]);
    all(reader, found);
}

fn create(reader: &mut Reader, found: &mut Vec<Target>) {
    reader.skip(&["OR", "REPLACE"]);
    reader.skip(&["UNIQUE"]);
    reader.skip(&["UNLOGGED"]);
    match reader.word().as_str() {
        "INDEX" if reader.skip(&["CONCURRENTLY"]) => {}
        "INDEX" => on(reader, Strength::Writes, found),
        "TRIGGER" | "CONSTRAINT" => on(reader, Strength::Writes, found),
        "POLICY" => on(reader, Strength::All, found),
        "RULE" => {
            if reader.seek("TO")
                && let Some(relation) = reader.name()
            {
                found.push(Target {
                    relation,
                    strength: Strength::All,
                });
            }
        }
        "TABLE" => {
            let from = reader.at;
            if reader.seek("PARTITION")
                && reader.skip(&["OF"])
                && let Some(relation) = reader.name()
            {
                found.push(Target {
                    relation,
                    strength: Strength::All,
                });
            }
            reader.at = from;
            references(reader, found);
        }
        _ => {}
    }
}

/// A list of relations, each locked against everybody.
fn all(reader: &mut Reader, found: &mut Vec<Target>) {
    found.extend(reader.names().into_iter().map(|relation| Target {
        relation,
        strength: Strength::All,
    }));
}

/// What stands after the next ON.
fn on(reader: &mut Reader, strength: Strength, found: &mut Vec<Target>) {
    if !reader.seek("ON") {
        return;
    }
    reader.skip(&["ONLY"]);
    if let Some(relation) = reader.name() {
        found.push(Target { relation, strength });
    }
}

/// The tables that foreign keys point at: they get a trigger each.
fn references(reader: &mut Reader, found: &mut Vec<Target>) {
    while reader.seek("REFERENCES") {
        if let Some(relation) = reader.name() {
            found.push(Target {
                relation,
                strength: Strength::Writes,
            });
        }
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
        let words: Vec<String> = targets(&script.statements[0])
            .iter()
            .map(|target| {
                let mark = match target.strength {
                    Strength::All => "!",
                    Strength::Writes => "",
                };
                format!("{}{mark}", target.relation)
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
        let found: Vec<(String, Strength)> = file_targets(&script.statements)
            .into_iter()
            .map(|target| (target.relation, target.strength))
            .collect();
        let wanted = [
            ("b".to_owned(), Strength::All),
            ("c".to_owned(), Strength::Writes),
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
