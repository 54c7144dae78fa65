//! A graph as a database holds it. Filled by `pg::graph::inspect` from the catalogs alone.

use serde::Deserialize;

/// What is there of a graph and around it.
#[derive(Debug, Clone, Deserialize)]
pub struct Live {
    /// The database around it.
    pub around: Around,
    /// The graph's own row, if there is one.
    pub graph: Option<Graph>,
    /// Its labels, the two parents included, by name.
    pub labels: Vec<Label>,
    /// Tables in its namespace that no label names.
    pub strangers: Vec<String>,
    /// Labels and graphs of the whole database whose schema or table is gone.
    pub dangling: Vec<String>,
    /// AGE's functions whose use concerns isolation, with those of them that others than superusers may call.
    pub functions: Vec<Function>,
    /// edu's own function in the graph's schema.
    pub guard_function: Option<GuardFunction>,
}

/// The function that the vertex guard asks.
#[derive(Debug, Clone, Deserialize)]
pub struct GuardFunction {
    /// `prosecdef`.
    pub definer: bool,
    /// No policy binds its owner.
    pub bypasses: bool,
    /// PUBLIC may call it.
    pub public: bool,
    /// The application may call it.
    pub callable: bool,
    /// `proconfig`.
    pub settings: Vec<String>,
    /// `prosrc`.
    pub body: String,
}

/// The database around a graph.
#[derive(Debug, Clone, Deserialize)]
pub struct Around {
    /// `pg_extension.extversion` of age.
    pub catalog_version: String,
    /// The version that the installed files bring. Source: `pg_available_extensions`.
    pub library_version: Option<String>,
    /// AGE keeps a cache that direct SQL writes have to invalidate (1.8).
    pub cache_function: bool,
    /// AGE is loaded for every session of the login; `None` when the user may not see that.
    pub preloaded: Option<bool>,
    /// The path that the login's sessions start with.
    pub search_path: Option<String>,
    /// The application role exists.
    pub application: bool,
    /// The user is a superuser.
    pub superuser: bool,
}

/// The row of `ag_graph`, and its namespace.
#[derive(Debug, Clone, Deserialize)]
pub struct Graph {
    /// `ag_graph.graphid` equals its namespace's oid.
    pub oid_fits: bool,
    /// The namespace's name; absent when the schema is gone.
    pub namespace: Option<String>,
    /// The schema's owner.
    pub owner: Option<String>,
    /// Privileges on the schema, without the owner's.
    pub grants: Vec<Grant>,
    /// Privileges on tables (`r`) and sequences (`S`) to come.
    pub default_grants: Vec<DefaultGrant>,
}

/// A label and its table.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Label {
    /// `ag_label.name`.
    pub label: String,
    /// `ag_label.id`: the upper 16 bits of its rows' graph ids.
    pub id: i32,
    /// `ag_label.kind`: `v` or `e`.
    pub kind: String,
    /// The table's name; absent when it is gone.
    pub relation: Option<String>,
    /// The table's schema.
    pub namespace: Option<String>,
    /// The table's owner.
    pub owner: Option<String>,
    /// The table it inherits from.
    pub parent: Option<String>,
    /// The default of column `id`.
    pub id_default: Option<String>,
    /// The columns, in order.
    pub columns: Vec<String>,
    /// The server's estimate of its rows; 0 when it has no page.
    pub rows: u64,
    /// It has at least one page.
    pub occupied: bool,
    /// `relrowsecurity`.
    pub row_security: bool,
    /// `relforcerowsecurity`.
    pub forced: bool,
    /// Its sequence may be used by the application.
    pub sequence_usable: bool,
    /// The indexes.
    pub indexes: Vec<Index>,
    /// Checks and foreign keys.
    pub constraints: Vec<Constraint>,
    /// The policies.
    pub policies: Vec<Policy>,
    /// The triggers that are not the server's own.
    pub triggers: Vec<Trigger>,
    /// Privileges, without the owner's.
    pub grants: Vec<Grant>,
}

/// One index.
#[derive(Debug, Clone, Deserialize)]
pub struct Index {
    /// The name.
    pub name: String,
    /// Valid, ready and live.
    pub valid: bool,
    /// `indisunique`.
    pub unique: bool,
    /// It belongs to a primary key or another constraint.
    pub of_constraint: bool,
    /// What stands behind USING in its definition.
    pub using: String,
}

/// One constraint.
#[derive(Debug, Clone, Deserialize)]
pub struct Constraint {
    /// The name.
    pub name: String,
    /// `contype`: `c` or `f`.
    pub kind: String,
    /// `convalidated`.
    pub validated: bool,
    /// It comes from the parent.
    pub inherited: bool,
    /// The condition of a check, else empty.
    pub condition: String,
}

/// One policy.
#[derive(Debug, Clone, Deserialize)]
pub struct Policy {
    /// The name.
    pub name: String,
    /// `polcmd`: `*` for all.
    pub command: String,
    /// `polpermissive`.
    pub permissive: bool,
    /// The roles; "public" for all.
    pub roles: Vec<String>,
    /// USING, empty when absent.
    pub using: String,
    /// WITH CHECK, empty when absent.
    pub check: String,
}

/// One trigger.
#[derive(Debug, Clone, Deserialize)]
pub struct Trigger {
    /// The name.
    pub name: String,
    /// `tgenabled` is not `D`.
    pub enabled: bool,
    /// The function, with its schema.
    pub function: String,
}

/// One privilege of one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Grant {
    /// The role; "public" for all.
    pub role: String,
    /// The privilege, as `aclexplode` names it.
    pub privilege: String,
}

/// One privilege on objects to come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DefaultGrant {
    /// `r` for tables, `S` for sequences.
    pub kind: String,
    /// The role; "public" for all.
    pub role: String,
    /// The privilege.
    pub privilege: String,
}

/// One function of AGE's.
#[derive(Debug, Clone, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its signature, quoted, ready for SQL.
    pub signature: String,
    /// The application may call it.
    pub callable: bool,
    /// `proleakproof`.
    pub leakproof: bool,
}

impl Live {
    /// The label of that name.
    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.label == name)
    }

    /// AGE's version, by its catalog. Shape: major and minor.
    pub fn version(&self) -> (u32, u32) {
        let mut parts = self.around.catalog_version.split('.');
        let mut next = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        (next(), next())
    }
}
