//! Two tenants with two users and one user, and a row of each in every table, related as the foreign
//! keys want it. Values are fresh in every run, so that they meet no row that is there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::row::varying;
pub use super::row::{Row, Who, insert};
use super::shape::{ColumnShape, Shape};
use super::value;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;
use crate::posture::{ForeignKey, Oid, Relation};
use crate::spec::access::Carried;

/// Everything that rows are made from.
pub struct World<'a> {
    /// The scene.
    pub scene: &'a Scene<'a>,
    shapes: BTreeMap<Oid, Shape>,
    keys: BTreeMap<Oid, Vec<&'a ForeignKey>>,
    /// Makes this run's values differ from any other's.
    run: String,
    /// Values that the server found for columns that CHECKs bind.
    pub solved: RefCell<BTreeMap<(Oid, i32), String>>,
}

/// The tables that rows are needed in: the promised ones and what they refer to.
pub fn tables(scene: &Scene<'_>) -> Vec<Oid> {
    let mut all: BTreeSet<Oid> = scene
        .promised()
        .filter(|(r, _)| r.is_table())
        .map(|(relation, _)| relation.oid)
        .chain(scene.members().map(|(members, _)| members.oid))
        .collect();
    loop {
        let more: Vec<Oid> = scene
            .posture
            .foreign_keys
            .iter()
            .filter(|key| all.contains(&key.table) && !all.contains(&key.target))
            .map(|key| key.target)
            .collect();
        if more.is_empty() {
            return all.into_iter().collect();
        }
        all.extend(more);
    }
}

impl<'a> World<'a> {
    /// A world over these shapes.
    pub fn new(scene: &'a Scene<'a>, shapes: Vec<Shape>, run: String) -> Self {
        let mut keys: BTreeMap<Oid, Vec<&ForeignKey>> = BTreeMap::new();
        for key in &scene.posture.foreign_keys {
            keys.entry(key.table).or_default().push(key);
        }
        let shapes = shapes.into_iter().map(|shape| (shape.oid, shape)).collect();
        Self {
            scene,
            shapes,
            keys,
            run,
            solved: RefCell::default(),
        }
    }

    /// The table's shape.
    pub fn shape(&self, table: Oid) -> Option<&Shape> {
        self.shapes.get(&table)
    }

    /// The foreign keys of a table.
    pub fn keys(&self, table: Oid) -> &[&'a ForeignKey] {
        self.keys.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The tables in the order in which rows can be made; cycles are broken somewhere.
    pub fn order(&self) -> Vec<&'a Relation> {
        let mut done: Vec<Oid> = Vec::new();
        let mut open: Vec<Oid> = self.shapes.keys().copied().collect();
        while !open.is_empty() {
            let ready = |table: &Oid| {
                self.keys(*table).iter().all(|key| {
                    key.target == *table
                        || done.contains(&key.target)
                        || !open.contains(&key.target)
                })
            };
            let next = open.iter().position(ready).unwrap_or(0);
            done.push(open.remove(next));
        }
        done.iter()
            .filter_map(|oid| self.scene.relations.get(oid).copied())
            .collect()
    }

    /// The value of a column in somebody's row. `fresh` tells rows of one owner apart.
    pub fn value(&self, table: Oid, column: &ColumnShape, who: Who, fresh: &str) -> String {
        self.value_at(table, column, who, fresh, 0)
    }

    fn value_at(
        &self,
        table: Oid,
        column: &ColumnShape,
        who: Who,
        fresh: &str,
        depth: u32,
    ) -> String {
        let root = self
            .scene
            .relations
            .get(&table)
            .is_some_and(|relation| self.scene.is_root(relation));
        let whose = if root { who.tenant() } else { who.word() };
        let null = || {
            if column.not_null {
                None
            } else {
                Some("NULL".to_owned())
            }
        };
        // A column of several keys follows the widest: that one ties it to the rest.
        let key = self
            .keys(table)
            .iter()
            .filter(|key| key.columns.contains(&column.number))
            .max_by_key(|key| key.columns.len());
        if let (Some(key), true) = (key, depth < 16) {
            let at = key
                .columns
                .iter()
                .position(|number| *number == column.number)
                .unwrap_or(0);
            let target = self
                .shape(key.target)
                .zip(key.target_columns.get(at).copied());
            if let Some(target) = target.and_then(|(shape, number)| shape.column(number)) {
                let itself = key.target == table;
                let tenant = self
                    .scene
                    .relations
                    .get(&table)
                    .and_then(|r| self.scene.tenant_column(r))
                    == Some(column.name.as_str());
                if itself && !tenant && !column.not_null {
                    return "NULL".to_owned();
                }
                if !(itself && target.number == column.number) {
                    let fresh = if itself { fresh } else { "" };
                    return self.value_at(key.target, target, who, fresh, depth + 1);
                }
            }
        }
        let tenant = self
            .scene
            .relations
            .get(&table)
            .and_then(|relation| self.scene.tenant_column(relation));
        if tenant == Some(column.name.as_str()) {
            // Every row of a tenant has the same value, fresh or not, except that a fresh root row is a new tenant.
            let salt = if root { fresh } else { "" };
            return self.tenant_value(column, who, salt);
        }
        if let Some(solved) = self.solved.borrow().get(&(table, column.number)) {
            return solved.clone();
        }
        let salt = format!("{} {table} {} {whose} {fresh}", self.run, column.name);
        value::literal(column, &salt)
            .or_else(null)
            .or_else(|| value::guesses(column))
            .unwrap_or_else(|| "NULL".to_owned())
    }

    fn tenant_value(&self, column: &ColumnShape, who: Who, salt: &str) -> String {
        let keyed = ColumnShape {
            keyed: true,
            ..column.clone()
        };
        let salt = format!("{} tenant {} {salt}", self.run, who.tenant());
        value::literal(&keyed, &salt).unwrap_or_else(|| "NULL".to_owned())
    }

    /// The tenant's id as the setting holds it: SQL that gives text.
    pub fn tenant_id(&self, who: Who) -> Option<String> {
        let tables = || {
            self.scene.promised().filter_map(|(relation, promise)| {
                Some((relation, promise.tenant.as_ref()?.direct()?))
            })
        };
        let found = tables()
            .find(|(relation, _)| self.scene.is_root(relation))
            .or_else(|| tables().next());
        let (relation, tenant) = found?;
        let column = self.shape(relation.oid)?.named(tenant)?;
        Some(format!(
            "({})::pg_catalog.text",
            self.value(relation.oid, column, who, "")
        ))
    }

    /// The user's id as the setting holds it: SQL that gives text.
    pub fn user_id(&self, who: Who) -> Option<String> {
        let mut owners = self
            .scene
            .promised()
            .filter_map(|(relation, promise)| self.end(relation, promise.owner.as_ref()?));
        let (relation, owner) = match self.scene.members() {
            Some((members, membership)) => (members, membership.user.as_str()),
            None => owners.next()?,
        };
        let column = self.shape(relation.oid)?.named(owner)?;
        Some(format!(
            "({})::pg_catalog.text",
            self.value(relation.oid, column, who, "")
        ))
    }

    /// The id of a user whom no table has, as a setting holds it: SQL that gives text.
    pub fn stranger(&self) -> String {
        let column = self
            .scene
            .members()
            .and_then(|(members, membership)| self.shape(members.oid)?.named(&membership.user));
        let keyed = column.map(|column| ColumnShape {
            keyed: true,
            ..column.clone()
        });
        let literal =
            keyed.and_then(|column| value::literal(&column, &format!("{} stranger", self.run)));
        literal.map_or_else(
            || "''".to_owned(),
            |literal| format!("({literal})::pg_catalog.text"),
        )
    }

    /// Where the way from a table to its tenant or user ends.
    fn end<'c>(
        &self,
        relation: &'a Relation,
        carried: &'c Carried,
    ) -> Option<(&'a Relation, &'c str)> {
        let mut at = relation;
        for column in &carried.through {
            (_, at) = self.scene.reference(at.oid, column)?;
        }
        Some((at, carried.column.as_str()))
    }

    /// The condition under which a row of a table is somebody's, by what carries the tenant or the user.
    pub fn holds(&self, relation: &Relation, carried: &Carried, who: Who) -> Option<String> {
        let Some((first, rest)) = carried.through.split_first() else {
            let row = self.row(relation.oid, who, "");
            let (column, value) = row.iter().find(|(column, _)| *column == carried.column)?;
            return Some(format!("{} = {value}", quote_ident(column)));
        };
        let (key, target) = self.scene.reference(relation.oid, first)?;
        let on = Carried {
            through: rest.to_vec(),
            ..carried.clone()
        };
        let number = key.target_columns.first()?;
        let column = target
            .columns
            .iter()
            .find(|column| column.number == *number)?;
        Some(format!(
            "{} IN (SELECT {} FROM {} WHERE {})",
            quote_ident(first),
            quote_ident(&column.name),
            target.full_name(),
            self.holds(target, &on, who)?
        ))
    }

    /// A row of somebody's.
    pub fn row(&self, table: Oid, who: Who, fresh: &str) -> Row {
        let Some(shape) = self.shape(table) else {
            return Vec::new();
        };
        let relation = self.scene.relations.get(&table);
        let promise = relation.and_then(|relation| self.scene.promise(relation));
        let carried = |column: &ColumnShape| {
            promise.is_some_and(|p| {
                let mut carried = p.tenant.iter().chain(&p.owner);
                carried.any(|carried| carried.first() == column.name)
            })
        };
        let referring = |column: &ColumnShape| {
            self.keys(table)
                .iter()
                .any(|key| key.columns.contains(&column.number))
        };
        let solved =
            |column: &ColumnShape| self.solved.borrow().contains_key(&(table, column.number));
        shape
            .columns
            .iter()
            .filter(|column| !column.generated)
            .filter(|column| {
                !column.automatic
                    || column.keyed
                    || varying(column)
                    || carried(column)
                    || referring(column)
                    || solved(column)
            })
            .map(|column| (column.name.clone(), self.value(table, column, who, fresh)))
            .collect()
    }

    /// The condition that finds a row again.
    pub fn condition(&self, table: Oid, row: &Row) -> String {
        let shape = self.shape(table);
        let keys: Vec<&str> = shape
            .iter()
            .flat_map(|shape| shape.key.iter().filter_map(|number| shape.column(*number)))
            .map(|column| column.name.as_str())
            .collect();
        let told = |column: &str| {
            shape.and_then(|s| s.named(column)).is_some_and(|c| {
                matches!(
                    c.base.as_str(),
                    "uuid" | "text" | "varchar" | "int4" | "int8"
                )
            })
        };
        let parts: Vec<String> = row
            .iter()
            .filter(|(column, value)| {
                value != "NULL"
                    && if keys.is_empty() {
                        told(column)
                    } else {
                        keys.contains(&column.as_str())
                    }
            })
            .map(|(column, value)| format!("{} = {value}", quote_ident(column)))
            .collect();
        if parts.is_empty() {
            "true".to_owned()
        } else {
            parts.join(" AND ")
        }
    }
}
