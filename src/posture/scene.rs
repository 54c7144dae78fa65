//! A posture beside what was promised about it: what every engine starts from.

use std::collections::{BTreeMap, BTreeSet};

use super::expr::{self, Expr};
use super::{Function, Oid, Policy, Posture, Relation, tree};
use crate::catalog::name::{Name, quote_ident};
use crate::spec::access::{Access, Command, TableAccess};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::{Isolation, Ontology};

/// A posture, its promise, and the look-ups that rules need.
pub struct Scene<'a> {
    /// What is there.
    pub posture: &'a Posture,
    /// What is promised.
    pub access: &'a Access,
    /// The roles that applications work as: those with rules, and edu.toml's.
    pub applications: Vec<String>,
    /// The role that applications connect as.
    pub login: Option<String>,
    /// The setting with the tenant's id.
    pub tenant_setting: Option<String>,
    /// The setting with the user's id.
    pub user_setting: Option<String>,
    /// The graph's promise.
    pub ontology: Option<&'a Ontology>,
    /// Relations by id.
    pub relations: BTreeMap<Oid, &'a Relation>,
    /// Policies by table.
    pub policies: BTreeMap<Oid, Vec<&'a Policy>>,
    /// Expressions by the md5 of their tree; one that could not be read is left out.
    pub exprs: BTreeMap<&'a str, Expr>,
    /// The ids of `current_setting`.
    pub readers: BTreeSet<Oid>,
    promises: BTreeMap<(&'a str, &'a str), &'a TableAccess>,
    labels: BTreeSet<Oid>,
    names: BTreeMap<(&'a str, &'a str), &'a Relation>,
}

/// The roles that a project is about, those with a rule or a call first named, each once, sorted.
pub fn subjects(access: &Access, manifest: &Manifest) -> Vec<String> {
    let named = access.roles().into_iter().map(str::to_owned);
    let roles = [&manifest.roles.application, &manifest.roles.login];
    let all: BTreeSet<String> = named.chain(roles.into_iter().flatten().cloned()).collect();
    all.into_iter().collect()
}

impl<'a> Scene<'a> {
    /// Sets the scene.
    pub fn new(
        posture: &'a Posture,
        access: &'a Access,
        manifest: &Manifest,
        ontology: Option<&'a Ontology>,
    ) -> Self {
        let mut applications: BTreeSet<String> = access
            .tables
            .iter()
            .flat_map(|table| table.roles.keys().cloned())
            .collect();
        applications.extend(manifest.roles.application.clone());
        let exprs = posture
            .trees
            .iter()
            .filter_map(|(md5, text)| Some((md5.as_str(), expr::read(&tree::parse(text)?))));
        let graph = ontology.map(|ontology| ontology.graph.as_str());
        Self {
            posture,
            access,
            applications: applications.into_iter().collect(),
            login: manifest.roles.login.clone(),
            tenant_setting: manifest.context.tenant.clone(),
            user_setting: manifest.context.user.clone(),
            ontology,
            relations: posture.by_oid(),
            policies: posture.policies_by_table(),
            exprs: exprs.collect(),
            readers: posture.facts("routine").map(|fact| fact.oid).collect(),
            promises: access
                .tables
                .iter()
                .map(|table| {
                    (
                        (table.name.schema.as_str(), table.name.name.as_str()),
                        table,
                    )
                })
                .collect(),
            names: posture
                .relations
                .iter()
                .map(|relation| ((relation.schema.as_str(), relation.name.as_str()), relation))
                .collect(),
            labels: posture
                .labels
                .iter()
                .filter(|label| graph.is_none_or(|graph| label.graph == graph))
                .map(|label| label.table)
                .collect(),
        }
    }

    /// The roles that act for tenants: applications and the login, each once.
    pub fn actors(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.applications.iter().map(String::as_str).collect();
        all.extend(
            self.login
                .as_deref()
                .filter(|login| !self.applications.iter().any(|app| app == login)),
        );
        all
    }

    /// The table's promise.
    pub fn promise(&self, relation: &Relation) -> Option<&'a TableAccess> {
        self.promises
            .get(&(relation.schema.as_str(), relation.name.as_str()))
            .copied()
    }

    /// The promised tables that exist.
    pub fn promised(&self) -> impl Iterator<Item = (&'a Relation, &'a TableAccess)> {
        self.posture
            .relations
            .iter()
            .filter_map(|relation| Some((relation, self.promise(relation)?)))
    }

    /// The relation of that name.
    pub fn named(&self, name: &Name) -> Option<&'a Relation> {
        self.names
            .get(&(name.schema.as_str(), name.name.as_str()))
            .copied()
    }

    /// Whether it is a table of the graph.
    pub fn is_label(&self, oid: Oid) -> bool {
        self.labels.contains(&oid)
    }

    /// Whether the graph's isolation is promised to be enforced by the database.
    pub fn graph_enforced(&self) -> bool {
        self.ontology
            .is_some_and(|ontology| ontology.isolation == Isolation::Enforced)
    }

    /// Whether it is the function that the graph's vertex guard asks: it runs as a superuser and has to,
    /// says yes or no, and is compared with its declared text by `edu db graph verify`.
    pub fn is_vertex_guard(&self, function: &Function) -> bool {
        let graph = self.ontology.map(|ontology| ontology.graph.as_str());
        self.graph_enforced()
            && Some(function.schema.as_str()) == graph
            && function.name == "edu_vertex_is_own"
            && !function.public
            && !function.returns_set
            && function.settings == ["search_path=pg_catalog"]
    }

    /// The relation holds rows of tenants: it is promised with a tenant column, protected, or a label.
    pub fn protected(&self, relation: &Relation) -> bool {
        relation.is_table()
            && (relation.secured
                || self.is_label(relation.oid)
                || self
                    .promise(relation)
                    .is_some_and(|promise| promise.tenant.is_some()))
    }

    /// The name of the column that holds the tenant's id: as promised, else as most tables have it.
    pub fn tenant_column(&self, relation: &Relation) -> Option<&'a str> {
        if self.is_label(relation.oid) {
            return Some("properties");
        }
        if let Some(promise) = self.promise(relation) {
            return promise.tenant.as_deref();
        }
        let root = self.access.root.as_ref();
        let usual = self
            .access
            .tables
            .iter()
            .filter(|table| Some(&table.name) != root);
        usual
            .filter_map(|table| table.tenant.as_deref())
            .find(|tenant| relation.column(tenant).is_some())
    }

    /// The number of that column.
    pub fn tenant_number(&self, relation: &Relation) -> Option<i32> {
        relation
            .column(self.tenant_column(relation)?)
            .map(|column| column.number)
    }

    /// Whether the table is the one whose rows are the tenants.
    pub fn is_root(&self, relation: &Relation) -> bool {
        self.access
            .root
            .as_ref()
            .is_some_and(|root| root.schema == relation.schema && root.name == relation.name)
    }

    /// USING and WITH CHECK of a policy, those that exist and could be read.
    pub fn sides(&self, policy: &Policy) -> Vec<(&'static str, &Expr)> {
        let side = |word, md5: &Option<String>| Some((word, self.exprs.get(md5.as_deref()?)?));
        [
            side("USING", &policy.using_tree),
            side("WITH CHECK", &policy.check_tree),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// "schema.table.policy".
    pub fn policy_name(&self, policy: &Policy) -> String {
        let table = self
            .relations
            .get(&policy.table)
            .map(|relation| relation.full_name());
        format!(
            "{}.{}",
            table.unwrap_or_default(),
            quote_ident(&policy.name)
        )
    }

    /// Whether a policy speaks of a command.
    pub fn speaks_of(policy: &Policy, command: Command) -> bool {
        policy.command == '*' || policy.command == letter(command)
    }

    /// The permissive policies of a table that apply to `role` for `command`.
    pub fn permissive(&self, table: Oid, role: &str, command: Command) -> Vec<&'a Policy> {
        self.applying(table, role, command)
            .into_iter()
            .filter(|policy| policy.permissive)
            .collect()
    }

    /// All policies of a table that apply to `role` for `command`.
    pub fn applying(&self, table: Oid, role: &str, command: Command) -> Vec<&'a Policy> {
        let all = self.policies.get(&table).map_or(&[][..], Vec::as_slice);
        all.iter()
            .copied()
            .filter(|policy| {
                Self::speaks_of(policy, command) && policy.binds.iter().any(|bound| bound == role)
            })
            .collect()
    }
}

/// `pg_policy.polcmd` of a command.
pub fn letter(command: Command) -> char {
    match command {
        Command::Select => 'r',
        Command::Insert => 'a',
        Command::Update => 'w',
        Command::Delete => 'd',
    }
}
