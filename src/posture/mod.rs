//! What a database holds that decides who reaches which row: one value, filled by `pg::rls`, that
//! every engine judges and whose hash is the posture fingerprint.
//!
//! Ids are the server's own; names are as the catalog spells them. Nothing here speaks to a server.

use std::collections::{BTreeMap, BTreeSet};

pub mod acl;
pub mod body;
pub mod expr;
pub mod finding;
pub mod fingerprint;
mod object;
pub mod scene;
mod text;
pub mod tree;

pub use object::{
    Column, Fact, ForeignKey, Function, GraphLabel, Index, Policy, Reach, Read, Relation, Schema,
    Trigger,
};

/// An object's id. Source: PostgreSQL's `oid`.
pub type Oid = u32;

/// The first id that PostgreSQL does not give to its own objects. Source: `FirstNormalObjectId`.
pub const FIRST_USER_OID: Oid = 16_384;

/// Everything that decides who reaches which row.
#[derive(Debug, Clone, Default)]
pub struct Posture {
    /// `server_version_num`.
    pub server_version: u32,
    /// The database's name.
    pub database: String,
    /// The roles that were asked about, sorted.
    pub subjects: Vec<String>,
    /// Tables, views, materialized views, foreign tables and sequences, by schema and name.
    pub relations: Vec<Relation>,
    /// Policies, by table and name.
    pub policies: Vec<Policy>,
    /// The text of each distinct policy tree by its md5.
    pub trees: BTreeMap<String, String>,
    /// Functions, by signature.
    pub functions: Vec<Function>,
    /// Foreign keys, by table and name.
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes, by name.
    pub indexes: Vec<Index>,
    /// Triggers and rewrite rules.
    pub triggers: Vec<Trigger>,
    /// Which view reads which relation.
    pub reads: Vec<Read>,
    /// What each subject is and can become.
    pub roles: Vec<Reach>,
    /// Schemas; the database itself has no name.
    pub schemas: Vec<Schema>,
    /// Everything that is one fact.
    pub facts: Vec<Fact>,
    /// Graph labels.
    pub labels: Vec<GraphLabel>,
    /// Declared function signatures and the ids that the server found for them.
    pub declared_functions: BTreeMap<String, Oid>,
}

impl Posture {
    /// Takes out an extension, its schema and what is in it.
    pub fn leave_out_extension(&mut self, extension: &str, schema: &str) {
        let gone: BTreeSet<Oid> = self
            .relations
            .iter()
            .filter(|relation| relation.schema == schema)
            .map(|relation| relation.oid)
            .collect();
        self.relations
            .retain(|relation| !gone.contains(&relation.oid));
        self.indexes.retain(|index| !gone.contains(&index.table));
        self.foreign_keys.retain(|key| !gone.contains(&key.table));
        self.triggers
            .retain(|trigger| !gone.contains(&trigger.table));
        self.functions
            .retain(|function| function.extension.as_deref() != Some(extension));
        self.schemas
            .retain(|one| one.name.as_deref() != Some(schema));
        self.facts
            .retain(|fact| fact.kind != "extension" || fact.subject != extension);
    }

    /// The relation of that id.
    pub fn relation(&self, oid: Oid) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.oid == oid)
    }

    /// The relations by id, for loops over many.
    pub fn by_oid(&self) -> BTreeMap<Oid, &Relation> {
        self.relations
            .iter()
            .map(|relation| (relation.oid, relation))
            .collect()
    }

    /// The function of that id.
    pub fn function(&self, oid: Oid) -> Option<&Function> {
        self.functions.iter().find(|function| function.oid == oid)
    }

    /// The facts of one kind.
    pub fn facts<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Fact> {
        self.facts.iter().filter(move |fact| fact.kind == kind)
    }

    /// The policies by their table.
    pub fn policies_by_table(&self) -> BTreeMap<Oid, Vec<&Policy>> {
        let mut by: BTreeMap<Oid, Vec<&Policy>> = BTreeMap::new();
        for policy in &self.policies {
            by.entry(policy.table).or_default().push(policy);
        }
        by
    }

    /// The built-in operators that mean equality.
    pub fn equalities(&self) -> BTreeSet<Oid> {
        self.facts("equality").map(|fact| fact.oid).collect()
    }
}
