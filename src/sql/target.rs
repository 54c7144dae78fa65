//! Which existing relations a statement locks so strongly that others have to wait.
//!
//! Looks at tokens only: a function, a DO block or a cascade can lock more. What is not known gives
//! no target; the runner's lock timeout holds for it all the same.
//! Source: the PostgreSQL manual, "Explicit Locking".

use super::split::Statement;
use super::token::{Kind, identifier, tokens};
use crate::catalog::name::quote_ident;

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
            reader.names(Strength::All, &mut found);
        }
        "REFRESH" => {
            reader.skip(&["MATERIALIZED", "VIEW"]);
            if !reader.skip(&["CONCURRENTLY"]) {
                reader.names(Strength::All, &mut found);
            }
        }
        "CLUSTER" => reader.names(Strength::All, &mut found),
        _ => {
            let one = reader.skip(&["INDEX"]) || reader.skip(&["TABLE"]);
            if one && !reader.skip(&["CONCURRENTLY"]) {
                reader.names(Strength::All, &mut found);
            }
        }
    }
    found
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
    reader.names(Strength::All, found);
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

/// The tokens with a meaning, read from left to right.
pub(super) struct Reader {
    items: Vec<(Kind, String)>,
    pub(super) at: usize,
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        let items = tokens(text)
            .filter(|token| !token.kind.is_trivia())
            .map(|token| (token.kind, text[token.span].to_owned()))
            .collect();
        Self { items, at: 0 }
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.items
            .get(at)
            .is_some_and(|(kind, text)| *kind == Kind::Word && text.eq_ignore_ascii_case(word))
    }

    fn word(&mut self) -> String {
        let word = match self.items.get(self.at) {
            Some((Kind::Word, text)) => text.to_ascii_uppercase(),
            _ => String::new(),
        };
        self.at += 1;
        word
    }

    fn follows(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.is(self.at + offset, word))
    }

    pub(super) fn skip(&mut self, words: &[&str]) -> bool {
        let follows = self.follows(words);
        if follows {
            self.at += words.len();
        }
        follows
    }

    pub(super) fn has(&self, word: &str) -> bool {
        (self.at..self.items.len()).any(|at| self.is(at, word))
    }

    /// Goes behind the next `word`, if there is one.
    pub(super) fn seek(&mut self, word: &str) -> bool {
        match (self.at..self.items.len()).find(|at| self.is(*at, word)) {
            Some(at) => {
                self.at = at + 1;
                true
            }
            None => false,
        }
    }

    /// A name of one or two parts, quoted.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut parts = Vec::new();
        loop {
            let (kind, text) = self.items.get(self.at)?;
            parts.push(quote_ident(&identifier(*kind, text)?));
            self.at += 1;
            match self.items.get(self.at) {
                Some((Kind::Dot, _)) if parts.len() < 3 => self.at += 1,
                _ => return Some(parts.join(".")),
            }
        }
    }

    /// Names with commas between.
    fn names(&mut self, strength: Strength, found: &mut Vec<Target>) {
        loop {
            self.skip(&["ONLY"]);
            let Some(relation) = self.name() else { return };
            found.push(Target { relation, strength });
            if let Some((Kind::Operator, text)) = self.items.get(self.at)
                && text == "*"
            {
                self.at += 1;
            }
            match self.items.get(self.at) {
                Some((Kind::Comma, _)) => self.at += 1,
                _ => return,
            }
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
