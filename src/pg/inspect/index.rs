//! Indexes, worded as `pg_get_indexdef` words them, without the table and the parameters: what follows USING.
//! Most are plain lists of columns; wording those here takes a hundredth of the server's time. The others are left to it.

use std::collections::HashMap;

use sqlx::postgres::PgRow;

use super::part::{Columns, Oid};
use super::row::{facets, number, text, yes};
use crate::catalog::name::quote_ident;
use crate::catalog::{Facets, Value};
use crate::failure::{Failure, Result};

/// An index.
pub(super) struct Index {
    pub relation: Oid,
    pub name: Box<str>,
    method: Box<str>,
    facets: Facets,
    keys: Box<[Key]>,
    /// How many of the keys order the index; the others are included.
    ordering: usize,
    nulls_not_distinct: bool,
    definition: Definition,
}

struct Key {
    column: i16,
    class: Oid,
    collation: Oid,
    option: u8,
}

enum Definition {
    /// The server's.
    Whole(Box<str>),
    /// Up to the predicate.
    Start(Box<str>),
    Unknown,
}

/// An operator class.
pub(super) struct Class {
    default: bool,
    input: Oid,
    /// With its schema, unless that is pg_catalog.
    name: Box<str>,
}

/// Polymorphic types, whose default operator class serves every type that fits: anyarray, record, anyenum,
/// anyrange, anymultirange. Source: `pg_type.oid`.
const POLYMORPHIC: [Oid; 5] = [2277, 2249, 3500, 3831, 4537];

/// `text` and `varchar`, which share operator classes. Source: `pg_type.oid`.
const TEXT: Oid = 25;
const VARCHAR: Oid = 1043;

impl Class {
    /// Reads a row.
    ///
    /// # Errors
    /// Exit 70 for a row of another shape.
    pub fn read(row: &PgRow) -> Result<Self> {
        Ok(Self {
            default: yes(row, 2)?,
            input: number(row, 3)?,
            name: text(row, 4)?.unwrap_or_default().into(),
        })
    }

    /// Whether it is what a column of these types gets by itself.
    fn goes_without_saying(&self, types: [Oid; 2]) -> bool {
        self.default
            && (types.contains(&self.input)
                || (self.input == TEXT && types[0] == VARCHAR)
                || POLYMORPHIC.contains(&self.input))
    }
}

impl Index {
    /// Reads a row.
    ///
    /// # Errors
    /// Exit 70 for a row of another shape.
    pub fn read(row: &PgRow) -> Result<Self> {
        let list = |column| Ok::<_, Failure>(text(row, column)?.unwrap_or_default().split(' '));
        // Included columns have no operator class, collation and options.
        let (mut classes, mut collations, mut options) = (list(7)?, list(8)?, list(9)?);
        let mut keys = Vec::new();
        for column in list(6)? {
            let key = Key {
                column: whole(column)?,
                class: classes.next().map_or(Ok(0), whole)?,
                collation: collations.next().map_or(Ok(0), whole)?,
                option: options.next().map_or(Ok(0), whole)?,
            };
            keys.push(key);
        }
        Ok(Self {
            relation: number(row, 1)?,
            name: text(row, 3)?.unwrap_or_default().into(),
            method: text(row, 4)?.unwrap_or_default().into(),
            facets: facets(row, 5)?,
            keys: keys.into(),
            ordering: number(row, 10)?,
            nulls_not_distinct: yes(row, 11)?,
            definition: Definition::Unknown,
        })
    }

    /// Words it up to the predicate, and takes the statistics targets of its own columns. Says whether it could:
    /// not with an expression, a collation other than the column's, or an operator class's own parameters.
    pub fn word(&mut self, own: Oid, columns: &Columns, classes: &HashMap<Oid, Class>) -> bool {
        let own = columns.of(own);
        let targets: Vec<Box<str>> = own
            .iter()
            .filter_map(|column| Some((column.number, column.facets.get("statistics")?)))
            .map(|(number, target)| format!("{number}: {target}").into())
            .collect();
        if !targets.is_empty() {
            self.facets.put("statistics", Value::List(targets.into()));
        }
        let special = own
            .iter()
            .any(|column| column.facets.get("options").is_some());
        match self.start(columns, classes) {
            Some(start) if !special => self.definition = Definition::Start(start.into()),
            _ => return false,
        }
        true
    }

    fn start(&self, columns: &Columns, classes: &HashMap<Oid, Class>) -> Option<String> {
        let mut text = format!("{} (", self.method);
        for (at, key) in self.keys.iter().enumerate() {
            let column = columns.one(self.relation, key.column)?;
            if at == self.ordering {
                text.push_str(") INCLUDE (");
            } else if at > 0 {
                text.push_str(", ");
            }
            text.push_str(&quote_ident(&column.name));
            if at >= self.ordering {
                continue;
            }
            if key.collation != 0 && key.collation != column.collation {
                return None;
            }
            let class = classes.get(&key.class)?;
            if !class.goes_without_saying(column.types) {
                text.push(' ');
                text.push_str(&class.name);
            }
            text.push_str(match key.option {
                1 => " DESC NULLS LAST",
                2 => " NULLS FIRST",
                3 => " DESC",
                _ => "",
            });
        }
        text.push(')');
        if self.nulls_not_distinct {
            text.push_str(" NULLS NOT DISTINCT");
        }
        Some(text)
    }

    /// Takes the server's whole definition.
    pub fn define(&mut self, whole: Option<&str>) {
        self.definition =
            whole.map_or(Definition::Unknown, |whole| Definition::Whole(whole.into()));
    }

    /// What is told of it.
    pub fn into_facets(self, predicate: Option<&str>) -> Facets {
        let mut facets = self.facets;
        let mut options = facets.items("options").to_vec();
        let definition = match self.definition {
            Definition::Whole(whole) => Some(shortened(&whole, &options)),
            Definition::Start(start) => Some(match predicate {
                Some(predicate) => format!("{start} WHERE {predicate}"),
                None => start.into_string(),
            }),
            Definition::Unknown => None,
        };
        if let Some(definition) = definition {
            facets.put("definition", Value::Text(definition.into()));
        }
        if !options.is_empty() {
            options.sort();
            facets.put("options", Value::List(options.into()));
        }
        facets
    }
}

fn whole<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Failure::bug(format!("an index has \"{text}\" where a number should be")))
}

/// Leaves of an index's definition what follows USING, without the parameters: name and table are
/// its key, the parameters a facet of their own.
fn shortened(whole: &str, options: &[Box<str>]) -> String {
    let tail = whole.split_once(" USING ").map_or(whole, |(_, tail)| tail);
    let parameters: Vec<String> = options
        .iter()
        .filter_map(|item| {
            let (key, value) = item.split_once('=')?;
            Some(format!("{}={}", quote_ident(key), shown(value)))
        })
        .collect();
    if parameters.is_empty() {
        return tail.to_owned();
    }
    tail.replacen(&format!(" WITH ({})", parameters.join(", ")), "", 1)
}

/// A parameter's value as `pg_get_indexdef` writes it: an identifier bare, else quoted.
/// Source: `flatten_reloptions`.
fn shown(value: &str) -> String {
    if quote_ident(value) == value {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_definition_is_left_without_its_parameters() {
        let whole = "CREATE INDEX i ON public.t USING hnsw (e public.vector_cosine_ops) WITH (m='16', fastupdate=off) WHERE (a > 1)";
        let options = ["m=16".into(), "fastupdate=off".into()];
        assert_eq!(
            shortened(whole, &options),
            "hnsw (e public.vector_cosine_ops) WHERE (a > 1)"
        );
        assert_eq!(
            shortened("CREATE INDEX i ON t USING gin (a)", &[]),
            "gin (a)"
        );
    }
}
