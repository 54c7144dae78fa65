//! Relations with their columns, indexes and policies.
//!
//! A catalog of thousands of tables is mostly these. They come as the system catalogs hold them, with numbers for
//! names, and are put together here: joining them on the server, with each name repeated in each row, took twice
//! the time. What only the server can word, expressions, it is asked for once all who have them are known.

use std::collections::{BTreeMap, HashMap};

use sqlx::postgres::PgRow;

use super::expression::{self, Groups, Tree};
use super::index::{Class, Index};
use super::row::{facets, more, number, text, yes};
use crate::catalog::name::quote_ident;
use crate::catalog::{Facets, Id, Kind, Value};
use crate::failure::{Failure, Result};

/// A number that the server gave an object.
pub(super) type Oid = u32;

/// What was read of relations and their parts.
#[derive(Default)]
pub(super) struct Parts {
    relations: HashMap<Oid, (Id, Facets)>,
    columns: Columns,
    indexes: BTreeMap<Oid, Index>,
    classes: HashMap<Oid, Class>,
    policies: BTreeMap<Oid, Policy>,
    predicate_trees: Vec<Tree>,
    policy_trees: Vec<Tree>,
    predicates: Groups<Box<str>>,
    rules: Groups<Rule>,
    /// Whether something was dropped before it could be worded.
    pub gone: bool,
}

/// The columns of every relation, by its number.
#[derive(Default)]
pub(super) struct Columns(HashMap<Oid, Vec<Column>>);

/// A column.
pub(super) struct Column {
    pub number: i16,
    pub name: Box<str>,
    listed: bool,
    pub facets: Facets,
    /// The numbers of its type, of what that is a domain over, and of its collation.
    pub types: [Oid; 2],
    pub collation: Oid,
}

struct Policy {
    relation: Oid,
    name: Box<str>,
    facets: Facets,
}

/// What policies ask of a row: USING and WITH CHECK.
#[derive(Default)]
struct Rule([Option<Box<str>>; 2]);

impl Columns {
    /// One column of `relation`.
    pub fn one(&self, relation: Oid, number: i16) -> Option<&Column> {
        let columns = self.of(relation);
        columns.iter().find(|column| column.number == number)
    }

    /// All columns of `relation`, in their order once [`Columns::sort`] was called.
    pub fn of(&self, relation: Oid) -> &[Column] {
        self.0.get(&relation).map_or(&[], Vec::as_slice)
    }

    fn sort(&mut self) {
        for columns in self.0.values_mut() {
            columns.sort_by_key(|column| column.number);
        }
    }
}

impl Parts {
    /// Takes a row, if it is of these kinds.
    ///
    /// # Errors
    /// Exit 70 for a row of another shape.
    pub fn take(&mut self, kind: &str, row: &PgRow) -> Result<bool> {
        match kind {
            "column" => self.take_column(row)?,
            "index" => {
                self.indexes.insert(number(row, 2)?, Index::read(row)?);
            }
            "policy" => self.take_policy(row)?,
            "relation" => self.take_relation(row)?,
            "predicate" => self.predicate_trees.push(Tree::read(row)?),
            "policy tree" => self.policy_trees.push(Tree::read(row)?),
            "operator class" => {
                self.classes.insert(number(row, 1)?, Class::read(row)?);
            }
            "worded predicate" => {
                let worded = text(row, 2)?;
                self.gone |= worded.is_none();
                let worded = worded.unwrap_or_default();
                self.predicates.word(number(row, 1)?, worded.into());
            }
            "worded index" => {
                self.gone |= text(row, 2)?.is_none();
                if let Some(index) = self.indexes.get_mut(&number(row, 1)?) {
                    index.define(text(row, 2)?);
                }
            }
            "worded policy" => {
                let rule = Rule([text(row, 2)?.map(Into::into), text(row, 3)?.map(Into::into)]);
                self.rules.word(number(row, 1)?, rule);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_relation(&mut self, row: &PgRow) -> Result<()> {
        let kind: Kind = text(row, 2)?
            .unwrap_or_default()
            .parse()
            .map_err(Failure::bug)?;
        let (schema, name) = (
            text(row, 3)?.unwrap_or_default(),
            text(row, 4)?.unwrap_or_default(),
        );
        let id = Id::new(
            kind,
            "",
            format!("{}.{}", quote_ident(schema), quote_ident(name)),
        );
        let mut facets = facets(row, 5)?;
        more(&mut facets, row, 6)?;
        self.relations.insert(number(row, 1)?, (id, facets));
        Ok(())
    }

    fn take_column(&mut self, row: &PgRow) -> Result<()> {
        let mut facets = facets(row, 5)?;
        for (facet, column) in [("type", 9), ("default", 11)] {
            if let Some(text) = text(row, column)? {
                facets.put(facet, Value::Text(text.into()));
            }
        }
        if yes(row, 10)? {
            facets.put("not_null", Value::Flag(true));
        }
        let column = Column {
            number: number(row, 2)?,
            name: text(row, 3)?.unwrap_or_default().into(),
            listed: yes(row, 4)?,
            facets,
            types: [number(row, 6)?, number(row, 7)?],
            collation: number(row, 8)?,
        };
        let relation = number(row, 1)?;
        self.columns.0.entry(relation).or_default().push(column);
        Ok(())
    }

    fn take_policy(&mut self, row: &PgRow) -> Result<()> {
        let mut facets = facets(row, 4)?;
        more(&mut facets, row, 5)?;
        let policy = Policy {
            relation: number(row, 1)?,
            name: quote_ident(text(row, 3)?.unwrap_or_default()).into(),
            facets,
        };
        self.policies.insert(number(row, 2)?, policy);
        Ok(())
    }

    /// What is to be asked of the server once all of these kinds have been read: the words of expressions,
    /// each for the first of those who have it.
    pub fn wording(&mut self) -> Option<String> {
        self.columns.sort();
        self.indexes
            .retain(|_, index| self.relations.contains_key(&index.relation));
        self.policies
            .retain(|_, policy| self.relations.contains_key(&policy.relation));
        let (columns, indexes, policies) = (&self.columns, &self.indexes, &self.policies);
        self.predicates = Groups::of(&self.predicate_trees, columns, |number| {
            indexes.get(&number).map(|index| index.relation)
        });
        self.rules = Groups::of(&self.policy_trees, columns, |number| {
            policies.get(&number).map(|policy| policy.relation)
        });
        let mut special = Vec::new();
        for (number, index) in &mut self.indexes {
            if !index.word(*number, &self.columns, &self.classes) {
                special.push(*number);
            }
        }
        expression::script(&self.predicates, &self.rules, &special)
    }

    /// Puts together what was read.
    pub fn into_objects(self, objects: &mut Vec<(Id, Facets)>) {
        let Self {
            mut relations,
            mut columns,
            ..
        } = self;
        for (number, index) in self.indexes {
            if let Some((on, _)) = relations.get(&index.relation) {
                let id = Id::new(Kind::Index, on.name.clone(), quote_ident(&index.name));
                let predicate = self.predicates.of_member(number).map(|text| &**text);
                objects.push((id, index.into_facets(predicate)));
            }
        }
        for (number, mut policy) in self.policies {
            if let Some((on, _)) = relations.get(&policy.relation) {
                let rule = self.rules.of_member(number);
                for (facet, at) in [("using", 0), ("check", 1)] {
                    if let Some(text) = rule.and_then(|rule| rule.0[at].clone()) {
                        policy.facets.put(facet, Value::Text(text));
                    }
                }
                objects.push((
                    Id::new(Kind::Policy, on.name.clone(), policy.name),
                    policy.facets,
                ));
            }
        }
        for (number, (id, facets)) in &mut relations {
            let columns = columns.0.remove(number).unwrap_or_default();
            let names: Vec<Box<str>> = columns
                .iter()
                .map(|column| quote_ident(&column.name).into())
                .collect();
            for (column, name) in columns.into_iter().zip(&names) {
                if column.listed {
                    objects.push((
                        Id::new(Kind::Column, id.name.clone(), name.clone()),
                        column.facets,
                    ));
                }
            }
            if !names.is_empty() {
                facets.put("columns", Value::List(names.into()));
            }
        }
        objects.extend(relations.into_values());
    }
}
