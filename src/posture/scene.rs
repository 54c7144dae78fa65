//! A posture beside what was promised about it: what every engine starts from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::expr::{self, Expr, Select};
use super::{ForeignKey, Function, Oid, Policy, Posture, Relation, body, tree};
use crate::catalog::name::{Name, quote_ident};
use crate::spec::access::{Access, Command, Enters, Membership, TableAccess};
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
    /// The built-in operators that mean equality.
    pub equal: BTreeSet<Oid>,
    /// Their negations, each with the equality that it negates.
    pub unequal: BTreeMap<Oid, Oid>,
    /// Tables and columns whose values are unique.
    pub unique: BTreeSet<(Oid, i32)>,
    promises: BTreeMap<(&'a str, &'a str), &'a TableAccess>,
    labels: BTreeSet<Oid>,
    names: BTreeMap<(&'a str, &'a str), &'a Relation>,
    functions: BTreeMap<Oid, &'a Function>,
    keys: BTreeMap<Oid, Vec<&'a ForeignKey>>,
    bodies: RefCell<BTreeMap<Oid, Option<Rc<Select>>>>,
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
        let mut keys: BTreeMap<Oid, Vec<&ForeignKey>> = BTreeMap::new();
        for key in &posture.foreign_keys {
            keys.entry(key.table).or_default().push(key);
        }
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
            equal: posture.equalities(),
            unequal: posture
                .facts("inequality")
                .filter_map(|fact| Some((fact.oid, fact.text.parse().ok()?)))
                .collect(),
            unique: posture
                .indexes
                .iter()
                .filter(|index| index.is_unique && index.valid && !index.partial)
                .filter_map(|index| match index.columns.as_slice() {
                    [only] if *only > 0 => Some((index.table, *only)),
                    _ => None,
                })
                .collect(),
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
            functions: posture
                .functions
                .iter()
                .map(|function| (function.oid, function))
                .collect(),
            keys,
            bodies: RefCell::default(),
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

    /// The settings of the context.
    pub fn context(&self) -> impl Iterator<Item = &str> {
        let both = [&self.tenant_setting, &self.user_setting];
        both.into_iter().flatten().map(String::as_str)
    }

    /// Whose tenants a function is declared to let sessions enter.
    pub fn enters(&self, function: &Function) -> Option<Enters> {
        let declared = self.access.functions.iter().find(|listed| {
            let found = &self.posture.declared_functions;
            found.get(&listed.function.to_string()) == Some(&function.oid)
        });
        declared?.enters
    }

    /// Whether a function sets the tenant, by its text or its parsed body.
    pub fn sets_tenant(&self, function: &Function) -> bool {
        let texts = [&function.body, &function.tree];
        let mut texts = texts.into_iter().flatten().map(String::as_str);
        let Some(setting) = &self.tenant_setting else {
            return false;
        };
        texts.any(|text| {
            text.contains("set_config") && text.contains(setting.as_str())
                || text.contains(":funcid 2078 ")
                || text.to_lowercase().contains(&format!("set {setting}"))
                || text
                    .to_lowercase()
                    .contains(&format!("set local {setting}"))
        })
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

    /// Whether a schema holds the tables of the graph.
    pub fn label_schema(&self, schema: &str) -> bool {
        self.ontology
            .is_some_and(|ontology| ontology.graph == schema)
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
            return promise.tenant.as_ref()?.direct();
        }
        let root = self.access.root.as_ref();
        let usual = self
            .access
            .tables
            .iter()
            .filter(|table| Some(&table.name) != root);
        usual
            .filter_map(|table| table.tenant.as_ref()?.direct())
            .find(|tenant| relation.column(tenant).is_some())
    }

    /// The number of that column.
    pub fn tenant_number(&self, relation: &Relation) -> Option<i32> {
        relation
            .column(self.tenant_column(relation)?)
            .map(|column| column.number)
    }

    /// The number of the column that decides whose a row is: the tenant's own, or the key that leads to it.
    pub fn carrying_number(&self, relation: &Relation) -> Option<i32> {
        let promised = self
            .promise(relation)
            .and_then(|promise| promise.tenant.as_ref());
        match promised.filter(|carried| carried.direct().is_none()) {
            Some(carried) => relation.column(carried.first()).map(|column| column.number),
            None => self.tenant_number(relation),
        }
    }

    /// Whether rows belong to tenants: by a column, or by what they refer to.
    pub fn scoped(&self, relation: &Relation) -> bool {
        self.carrying_number(relation).is_some()
    }

    /// The foreign keys of a table.
    pub fn keys(&self, table: Oid) -> &[&'a ForeignKey] {
        self.keys.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The foreign key of one column alone, and what it refers to.
    pub fn reference(&self, table: Oid, column: &str) -> Option<(&'a ForeignKey, &'a Relation)> {
        let number = self.relations.get(&table)?.column(column)?.number;
        let key = self
            .keys(table)
            .iter()
            .find(|key| key.columns == [number])?;
        Some((key, self.relations.get(&key.target)?))
    }

    /// The function of that id.
    pub fn function(&self, oid: Oid) -> Option<&'a Function> {
        self.functions.get(&oid).copied()
    }

    /// What a function gives, where it can be looked into.
    pub fn body(&self, oid: Oid) -> Option<Rc<Select>> {
        if let Some(known) = self.bodies.borrow().get(&oid) {
            return known.clone();
        }
        let function = self.function(oid)?;
        let found = body::body(self.posture, function)
            .filter(|select| function.volatility == 's' || !self.looks_around(select))
            .map(Rc::new);
        self.bodies.borrow_mut().insert(oid, found.clone());
        found
    }

    /// Whether a body reads settings or rows: one that is called IMMUTABLE is then not what it says.
    fn looks_around(&self, select: &Select) -> bool {
        let mut looks = !select.from.is_empty();
        for expr in select.exprs() {
            expr.walk(&mut |inner| {
                looks |= match inner {
                    Expr::SubSelect { .. } => true,
                    Expr::Call(function, _) => {
                        *function >= super::FIRST_USER_OID || self.readers.contains(function)
                    }
                    _ => false,
                };
            });
        }
        looks
    }

    /// The members' table, where the file names one and it exists.
    pub fn members(&self) -> Option<(&'a Relation, &'a Membership)> {
        let membership = self.access.membership.as_ref()?;
        Some((self.named(&membership.table)?, membership))
    }

    /// Whether a CHECK keeps a value out of the column that names the tenants, or out of this one.
    pub fn never(&self, relation: &Relation, number: i32, value: &str) -> bool {
        let column = relation
            .columns
            .iter()
            .find(|column| column.number == number);
        let kept_out = |relation: Oid, number: i32| {
            let checks = self
                .posture
                .facts("never")
                .filter(|fact| fact.oid == relation);
            checks.filter_map(|fact| tree::parse(&fact.text)).any(|node| {
                let Expr::Operator(_, sides) = expr::read(&node) else {
                    return false;
                };
                let on = |side: &Expr| matches!(side.bare(), Expr::Column { number: at, .. } if *at == number);
                sides.iter().any(on) && sides.iter().any(|side| side.as_id().as_deref() == Some(value))
            })
        };
        if kept_out(relation.oid, number) {
            return true;
        }
        let key = column.and_then(|column| self.reference(relation.oid, &column.name));
        key.is_some_and(|(key, target)| {
            key.validated
                && key.enabled
                && key
                    .target_columns
                    .first()
                    .is_some_and(|to| kept_out(target.oid, *to))
        })
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
