//! The objects of a posture, as the queries of `pg::rls` give them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Oid;
use crate::catalog::name::quote_ident;

/// A relation.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Relation {
    /// Its id.
    pub oid: Oid,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// Its owner.
    pub owner: String,
    /// The owner is a superuser or has BYPASSRLS.
    pub owner_bypasses: bool,
    /// Row security is enabled.
    pub secured: bool,
    /// Row security binds the owner as well.
    pub forced: bool,
    /// It is a partition.
    pub partition: bool,
    /// Its privileges as PostgreSQL writes them.
    pub acl: Option<String>,
    /// Estimated rows; below 0 when never analyzed.
    pub rows: f64,
    /// It belongs to an extension.
    pub extension: bool,
    /// `security_invoker` of a view.
    pub invoker: bool,
    /// `security_barrier` of a view.
    pub barrier: bool,
    /// The relations it inherits from.
    pub parents: Vec<Oid>,
    /// md5 of a view's text.
    pub definition: Option<String>,
    /// A materialized view's query.
    pub query: Option<String>,
    /// Its columns by number.
    pub columns: Vec<Column>,
    /// Privilege letters (r a w d D x t m; W is UPDATE on the whole) by subject, on the whole or on any column.
    pub may: BTreeMap<String, String>,
}

/// A column.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Column {
    /// `pg_attribute.attnum`.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// Its type as SQL.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its type's id.
    pub type_oid: Oid,
    /// NOT NULL.
    pub not_null: bool,
    /// It has a default, is an identity or is generated.
    pub automatic: bool,
    /// Its own privileges as PostgreSQL writes them.
    pub acl: Option<String>,
    /// The subjects that may update it, where it has privileges of its own.
    pub writers: Vec<String>,
}

impl Relation {
    /// "schema.name", quoted where needed.
    pub fn full_name(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }

    /// Whether it is a table that can have policies.
    pub fn is_table(&self) -> bool {
        matches!(self.kind, 'r' | 'p')
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether `role` has one of the privilege `letters`.
    pub fn grants(&self, role: &str, letters: &str) -> bool {
        self.may
            .get(role)
            .is_some_and(|has| letters.chars().any(|letter| has.contains(letter)))
    }
}

/// A policy.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Policy {
    /// Its id.
    pub oid: Oid,
    /// Its table.
    pub table: Oid,
    /// Its name.
    pub name: String,
    /// `pg_policy.polcmd`: r, a, w, d or *.
    pub command: char,
    /// PERMISSIVE rather than RESTRICTIVE.
    pub permissive: bool,
    /// The roles it names; "public" is PUBLIC.
    pub roles: Vec<String>,
    /// The subjects it applies to.
    pub binds: Vec<String>,
    /// The md5 of USING's tree.
    pub using_tree: Option<String>,
    /// The md5 of WITH CHECK's tree.
    pub check_tree: Option<String>,
    /// USING as SQL.
    pub using_text: Option<String>,
    /// WITH CHECK as SQL.
    pub check_text: Option<String>,
}

/// A function.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are named as pg_proc's documentation names them"
)]
pub struct Function {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub signature: String,
    pub language: String,
    pub volatility: char,
    pub parallel_safe: bool,
    pub definer: bool,
    pub leakproof: bool,
    pub owner: String,
    pub owner_bypasses: bool,
    pub settings: Vec<String>,
    pub body: Option<String>,
    pub tree: Option<String>,
    pub trigger: bool,
    pub kind: char,
    pub returns_set: bool,
    pub arguments: Vec<String>,
    pub argument_names: Vec<String>,
    pub strict: bool,
    pub public: bool,
    pub extension: Option<String>,
    pub callers: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are named as pg_constraint's documentation names them"
)]
pub struct ForeignKey {
    pub name: String,
    pub table: Oid,
    pub target: Oid,
    pub columns: Vec<i32>,
    pub target_columns: Vec<i32>,
    pub inherited: bool,
    pub on_delete: char,
    pub deferrable: bool,
    pub validated: bool,
    pub enabled: bool,
}

/// An index.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are named as pg_index's documentation names them"
)]
pub struct Index {
    pub schema: String,
    pub name: String,
    pub table: Oid,
    pub method: String,
    pub is_unique: bool,
    pub exclusion: bool,
    pub is_primary: bool,
    pub valid: bool,
    pub partial: bool,
    pub columns: Vec<i32>,
    pub is_constraint: bool,
    pub expressions: Option<String>,
}

/// A trigger, or a rewrite rule where there is no function.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are named as pg_trigger's documentation names them"
)]
pub struct Trigger {
    pub table: Oid,
    pub name: String,
    pub function: Option<Oid>,
    pub enabled: char,
    pub definition: String,
}

/// A view and a relation it reads.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the two ends of one edge")]
pub struct Read {
    pub reader: Oid,
    pub read: Oid,
}

/// A role, and one that it is or can become.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are named as pg_roles' documentation names them"
)]
pub struct Reach {
    pub role: String,
    pub reaches: String,
    pub inherits: bool,
    pub sets: bool,
    pub superuser: bool,
    pub bypasses: bool,
    pub creates_roles: bool,
    pub replicates: bool,
    pub logs_in: bool,
}

/// A schema and the subjects that may use it or create in it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are the privileges")]
pub struct Schema {
    pub name: Option<String>,
    pub used_by: Vec<String>,
    pub created_by: Vec<String>,
}

/// One fact of one kind; `pg/rls/various.sql` says which.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the query says what each means")]
pub struct Fact {
    pub kind: String,
    pub subject: String,
    pub text: String,
    pub oid: Oid,
}

/// A graph's label and its table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the fields are named as AGE's ag_label is")]
pub struct GraphLabel {
    pub graph: String,
    pub label: String,
    pub kind: char,
    pub table: Oid,
}
