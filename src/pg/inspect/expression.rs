//! Expressions, which only the server can word.
//!
//! To word an expression over a table the server opens the table, with all its policies. Thousands of policies
//! and partial indexes say the same of columns of the same names: each such group is worded once.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::postgres::PgRow;

use super::part::{Columns, Oid};
use super::row::text;
use crate::failure::{Failure, Result};

/// A parsed expression as the server stores it, and the numbers of all that have it.
pub(super) struct Tree {
    members: Vec<Oid>,
    /// The numbers of the columns that it names; nothing where it names more than single columns of one
    /// table (a query, a whole row) and is worded for each table by itself.
    columns: Option<Vec<i16>>,
}

/// Those that are worded alike, by the number of the one that is asked for.
pub(super) struct Groups<T> {
    members: HashMap<Oid, Vec<Oid>>,
    asked: HashMap<Oid, Oid>,
    worded: HashMap<Oid, T>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self {
            members: HashMap::new(),
            asked: HashMap::new(),
            worded: HashMap::new(),
        }
    }
}

impl Tree {
    /// Reads a row: the numbers and the tree follow the kind.
    ///
    /// # Errors
    /// Exit 70 for a row of another shape.
    pub fn read(row: &PgRow) -> Result<Self> {
        let numbers = text(row, 1)?.unwrap_or_default().split(' ');
        let members: std::result::Result<Vec<Oid>, _> = numbers.map(str::parse).collect();
        Ok(Self {
            members: members.map_err(|_| Failure::bug("an expression belongs to no number"))?,
            columns: columns_named(text(row, 2)?.unwrap_or_default()),
        })
    }
}

/// The numbers of the columns that a tree names, as far as they decide how it is worded.
fn columns_named(tree: &str) -> Option<Vec<i16>> {
    if tree.contains("SUBLINK") {
        return None;
    }
    let mut numbers = Vec::new();
    for after in tree.split(":varattno ").skip(1) {
        match after.split(' ').next()?.parse().ok()? {
            0 => return None,
            number if number > 0 && !numbers.contains(&number) => numbers.push(number),
            _ => {}
        }
    }
    Some(numbers)
}

impl<T> Groups<T> {
    /// Groups the members of each tree by the names of the columns. `relation` gives the table of a member.
    pub fn of(trees: &[Tree], columns: &Columns, relation: impl Fn(Oid) -> Option<Oid>) -> Self {
        let mut groups = Self::default();
        for tree in trees {
            let mut first: HashMap<String, Oid> = HashMap::new();
            for member in &tree.members {
                let Some(relation) = relation(*member) else {
                    continue;
                };
                let scope = scope(tree, columns, relation);
                let asked = *first.entry(scope).or_insert(*member);
                groups.members.entry(asked).or_default().push(*member);
                groups.asked.insert(*member, asked);
            }
        }
        groups
    }

    /// Takes the words of the one that was asked for.
    pub fn word(&mut self, asked: Oid, words: T) {
        self.worded.insert(asked, words);
    }

    /// The words of any of them.
    pub fn of_member(&self, member: Oid) -> Option<&T> {
        self.worded.get(self.asked.get(&member)?)
    }
}

/// What besides the tree decides its words: names of columns, one in each line; else the table.
fn scope(tree: &Tree, columns: &Columns, relation: Oid) -> String {
    let mut scope = String::new();
    for number in tree.columns.iter().flatten() {
        match columns.one(relation, *number) {
            Some(column) => {
                scope.push_str(&column.name);
                scope.push('\0');
            }
            None => return relation.to_string(),
        }
    }
    match tree.columns {
        Some(_) => scope,
        None => relation.to_string(),
    }
}

/// The question for all words; nothing where there is nothing to ask. `special` are the indexes whose whole
/// definition is wanted. One whose predicate is broken into lines is asked for whole, too: there it is in one.
pub(super) fn script<T, U>(
    predicates: &Groups<T>,
    policies: &Groups<U>,
    special: &[Oid],
) -> Option<String> {
    let mut sql = String::new();
    if !policies.members.is_empty() {
        let asked = array(policies.members.keys());
        let _ = writeln!(
            sql,
            "SELECT 'worded policy' AS kind, p.oid, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
             FROM pg_policy p WHERE p.oid = ANY ({asked});"
        );
    }
    if !predicates.members.is_empty() {
        let all = predicates.members.iter();
        let pairs =
            all.flat_map(|(asked, members)| members.iter().map(move |member| (asked, member)));
        let (asked, members): (Vec<&Oid>, Vec<&Oid>) = pairs.unzip();
        let _ = writeln!(
            sql,
            "WITH worded AS MATERIALIZED (
                 SELECT i.indexrelid AS number, pg_get_expr(i.indpred, i.indrelid) AS predicate
                 FROM pg_index i WHERE i.indexrelid = ANY ({}))
             SELECT 'worded predicate' AS kind, number, predicate FROM worded
             UNION ALL
             SELECT 'worded index', m.member, pg_get_indexdef(m.member)
             FROM ROWS FROM (unnest({}), unnest({})) AS m (asked, member)
             JOIN worded w ON w.number = m.asked WHERE w.predicate LIKE E'%\\n%';",
            array(predicates.members.keys()),
            array(asked),
            array(members),
        );
    }
    if !special.is_empty() {
        let numbers = array(special);
        let _ = writeln!(
            sql,
            "SELECT 'worded index' AS kind, number, pg_get_indexdef(number) FROM unnest({numbers}) AS number;"
        );
    }
    (!sql.is_empty()).then_some(sql)
}

/// Numbers as an SQL literal.
fn array<'a>(numbers: impl IntoIterator<Item = &'a Oid>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(Oid::to_string).collect();
    format!("'{{{}}}'::oid[]", numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_tells_the_columns_that_decide_its_words() {
        let var = |number: i16| format!("{{VAR :varno 1 :varattno {number} :vartype 25}}");
        let tree = format!("{{OPEXPR :args ({} {} {})}}", var(3), var(-6), var(3));
        assert_eq!(columns_named(&tree), Some(vec![3]));
        assert_eq!(columns_named("{CONST :constvalue 4}"), Some(vec![]));
        assert_eq!(columns_named(&var(0)), None);
        assert_eq!(columns_named("{SUBLINK :subLinkType 0}"), None);
    }
}
