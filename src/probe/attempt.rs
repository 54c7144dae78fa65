//! The attempts that the matrix leads to: what must work, and what must not.

use super::shape::Shape;
use super::value;
use super::world::{Row, Who, World, insert};
use crate::catalog::name::quote_ident;
use crate::posture::scene::letter;
use crate::posture::{Oid, Relation};
use crate::spec::access::{Command, Rule, TableAccess};

/// Who attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// No setting was ever set in the session. Comes first: a session cannot return to it.
    Unset,
    /// Both settings are ''.
    Empty,
    /// The tenant whose id is all zeros.
    Nil,
    /// A tenant and a user without rows.
    Stranger,
    /// Tenant A without a user.
    NoUser,
    /// Tenant A, its first user.
    A1,
}

impl Context {
    /// In the order in which they are entered.
    pub const ALL: [Self; 6] = [
        Self::Unset,
        Self::Empty,
        Self::Nil,
        Self::Stranger,
        Self::NoUser,
        Self::A1,
    ];

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "a session without a context",
            Self::Empty => "a session whose context is empty",
            Self::Nil => "the tenant whose id is all zeros",
            Self::Stranger => "a tenant without rows",
            Self::NoUser => "tenant A without a user",
            Self::A1 => "tenant A",
        }
    }

    /// Tenant and user as SQL that gives text; nothing where nothing is set.
    pub fn values(self, world: &World<'_>) -> Option<(String, String)> {
        let nil = || "'00000000-0000-0000-0000-000000000000'".to_owned();
        let empty = || "''".to_owned();
        let user = |who| world.user_id(who).unwrap_or_else(empty);
        match self {
            Self::Unset => None,
            Self::Empty => Some((empty(), empty())),
            Self::Nil => Some((nil(), nil())),
            Self::Stranger => Some((format!("'{}'", value::uuid("stranger")), user(Who::A1))),
            Self::NoUser => Some((world.tenant_id(Who::A1)?, empty())),
            Self::A1 => Some((world.tenant_id(Who::A1)?, user(Who::A1))),
        }
    }
}

/// What has to come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// As many rows as this query counts for somebody whom nothing hides anything from.
    Exactly(String),
    /// No row, or a refusal.
    Nothing,
    /// A refusal; a constraint's error means that the policies had let it pass.
    Refused,
    /// It works; a constraint's error means the same.
    Works,
    /// The text that comes back has none of tenant B's marks in it.
    NoMark(String),
    /// Whatever comes out, this query gives the same before and after.
    Unchanged(String),
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The table, or 0.
    pub table: Oid,
    /// The object in reports.
    pub object: String,
    /// The command.
    pub command: &'static str,
    /// What is attempted: "changes the row of another tenant by its key".
    pub what: String,
    /// The statement. A SELECT gives one count.
    pub sql: String,
    /// What has to come out.
    pub expect: Expect,
}

/// Attempts of one role in one context.
#[derive(Debug, Clone)]
pub struct Group {
    /// The context.
    pub context: Context,
    /// The role.
    pub role: String,
    /// Triggers and foreign keys keep out, so that only policies decide.
    pub replica: bool,
    /// The attempts.
    pub attempts: Vec<Attempt>,
}

/// Everything that is attempted on promised tables.
pub fn groups(world: &World<'_>) -> Vec<Group> {
    let mut all = Vec::new();
    for context in Context::ALL {
        for role in &world.scene.applications {
            let (mut bare, mut whole) = (Vec::new(), Vec::new());
            for (relation, promise) in world
                .scene
                .promised()
                .filter(|(relation, _)| relation.is_table())
            {
                let Some(shape) = world.shape(relation.oid) else {
                    continue;
                };
                let rules = promise.roles.get(role).copied();
                let table = Table {
                    world,
                    relation,
                    promise,
                    shape,
                    role,
                    rule: &|command| rules.map_or(Rule::Deny, |r| r.of(command)),
                };
                if context == Context::A1 {
                    table.inside(&mut bare);
                    table.works(&mut whole);
                } else {
                    table.outside(context, &mut bare);
                }
            }
            all.push(Group {
                context,
                role: role.clone(),
                replica: true,
                attempts: bare,
            });
            if !whole.is_empty() {
                all.push(Group {
                    context,
                    role: role.clone(),
                    replica: false,
                    attempts: whole,
                });
            }
        }
    }
    all
}

struct Table<'a> {
    world: &'a World<'a>,
    relation: &'a Relation,
    promise: &'a TableAccess,
    shape: &'a Shape,
    role: &'a str,
    rule: &'a dyn Fn(Command) -> Rule,
}

impl Table<'_> {
    fn attempt(&self, command: Command, what: &str, sql: String, expect: Expect) -> Attempt {
        Attempt {
            table: self.relation.oid,
            object: self.relation.full_name(),
            command: command.as_str(),
            what: what.to_owned(),
            sql,
            expect,
        }
    }

    fn row(&self, who: Who, fresh: &str) -> Row {
        self.world.row(self.relation.oid, who, fresh)
    }

    fn keyed(&self, who: Who) -> String {
        self.world.condition(self.relation.oid, &self.row(who, ""))
    }

    fn of(&self, row: &Row, column: Option<&String>) -> Option<String> {
        let column = column?;
        row.iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| value.clone())
    }

    /// Which rows a rule is about in the context of tenant A and its first user.
    fn promised(&self, rule: Rule) -> String {
        let row = self.row(Who::A1, "");
        let is = |column: &Option<String>| {
            let value = self.of(&row, column.as_ref());
            column
                .as_ref()
                .zip(value)
                .map(|(column, value)| format!("{} = {value}", quote_ident(column)))
        };
        let tenant = is(&self.promise.tenant).unwrap_or_else(|| "true".to_owned());
        match rule {
            Rule::Any => "true".to_owned(),
            Rule::Deny => "false".to_owned(),
            Rule::Tenant => tenant,
            Rule::Own => format!(
                "{tenant} AND {}",
                is(&self.promise.owner).unwrap_or_else(|| "true".to_owned())
            ),
        }
    }

    fn count(&self, rule: Rule) -> Expect {
        match rule {
            Rule::Deny => Expect::Nothing,
            _ => Expect::Exactly(format!(
                "SELECT count(*) FROM {} WHERE {}",
                self.relation.full_name(),
                self.promised(rule)
            )),
        }
    }

    /// A column that a blind UPDATE can write: it carries nothing, and nothing refers to it.
    fn plain(&self) -> Option<(String, String)> {
        let carries = |name: &String| {
            self.promise.tenant.as_ref() == Some(name) || self.promise.owner.as_ref() == Some(name)
        };
        let shape = self.shape;
        let fits = |number: i32| {
            !self
                .world
                .keys(self.relation.oid)
                .iter()
                .any(|key| key.columns.contains(&number))
        };
        let immutable = |name: &String| self.promise.immutable.contains(name);
        let column = shape.columns.iter().find(|column| {
            !column.generated
                && !column.keyed
                && fits(column.number)
                && !carries(&column.name)
                && !immutable(&column.name)
        })?;
        let value = self.world.value(self.relation.oid, column, Who::A1, "");
        Some((quote_ident(&column.name), value))
    }

    /// Contexts in which nothing of A or B may be reached.
    fn outside(&self, context: Context, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let rule = |command| match ((self.rule)(command), context) {
            (Rule::Any, _) => None,
            (Rule::Tenant, Context::NoUser) => Some(self.count(Rule::Tenant)),
            _ => Some(Expect::Nothing),
        };
        if let Some(expect) = rule(Command::Select) {
            all.push(self.attempt(
                Command::Select,
                "reads all rows",
                format!("SELECT count(*) FROM {name}"),
                expect,
            ));
        }
        if let (Some((column, value)), Some(expect)) = (self.plain(), rule(Command::Update)) {
            all.push(self.attempt(
                Command::Update,
                "changes all rows",
                format!("UPDATE {name} SET {column} = {value}"),
                expect,
            ));
        }
        if let Some(expect) = rule(Command::Delete) {
            all.push(self.attempt(
                Command::Delete,
                "deletes all rows",
                format!("DELETE FROM {name}"),
                expect,
            ));
        }
        if context != Context::NoUser && (self.rule)(Command::Insert) != Rule::Any {
            let sql = insert(self.relation, &self.row(Who::B1, context.as_str()));
            all.push(self.attempt(
                Command::Insert,
                "adds a row of tenant B",
                sql,
                Expect::Refused,
            ));
        }
    }

    /// Tenant A's own context, policies alone deciding.
    fn inside(&self, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let (select, update, delete) = (
            (self.rule)(Command::Select),
            (self.rule)(Command::Update),
            (self.rule)(Command::Delete),
        );
        all.push(self.attempt(
            Command::Select,
            "reads all rows",
            format!("SELECT count(*) FROM {name}"),
            self.count(select),
        ));
        if select != Rule::Any {
            let sql = format!("SELECT count(*) FROM {name} WHERE {}", self.keyed(Who::B1));
            all.push(self.attempt(
                Command::Select,
                "reads tenant B's row by its key",
                sql,
                Expect::Nothing,
            ));
        }
        if let Some((column, value)) = self.plain() {
            let set = format!("UPDATE {name} SET {column} = {value}");
            all.push(self.attempt(
                Command::Update,
                "changes all rows",
                set.clone(),
                self.count(update),
            ));
            if update != Rule::Any {
                all.push(self.attempt(
                    Command::Update,
                    "changes tenant B's row by its key",
                    format!("{set} WHERE {}", self.keyed(Who::B1)),
                    Expect::Nothing,
                ));
            }
        }
        all.push(self.attempt(
            Command::Delete,
            "deletes all rows",
            format!("DELETE FROM {name}"),
            self.count(delete),
        ));
        if delete != Rule::Any {
            let sql = format!("DELETE FROM {name} WHERE {}", self.keyed(Who::B1));
            all.push(self.attempt(
                Command::Delete,
                "deletes tenant B's row by its key",
                sql,
                Expect::Nothing,
            ));
        }
        self.moves(update, all);
        self.inserts(all);
        let truncate = Attempt {
            table: self.relation.oid,
            object: name.clone(),
            command: "TRUNCATE",
            what: "empties the table".to_owned(),
            sql: format!("TRUNCATE {name}"),
            expect: Expect::Refused,
        };
        all.push(truncate);
    }

    fn inserts(&self, all: &mut Vec<Attempt>) {
        let rule = (self.rule)(Command::Insert);
        let own = self.row(Who::A1, "insert");
        if rule == Rule::Deny {
            all.push(self.attempt(
                Command::Insert,
                "adds a row",
                insert(self.relation, &own),
                Expect::Refused,
            ));
        }
        if rule == Rule::Any || self.promise.tenant.is_none() {
            return;
        }
        let foreign = self.row(Who::B1, "insert");
        all.push(self.attempt(
            Command::Insert,
            "adds a row of tenant B",
            insert(self.relation, &foreign),
            Expect::Refused,
        ));
        // The same with everything but the tenant its own: only the tenant is foreign.
        let mixed: Row = own
            .iter()
            .map(|(column, value)| {
                let foreign = (self.promise.tenant.as_ref() == Some(column))
                    .then(|| self.of(&foreign, Some(column)))
                    .flatten();
                (column.clone(), foreign.unwrap_or_else(|| value.clone()))
            })
            .collect();
        all.push(self.attempt(
            Command::Insert,
            "adds a row of its own for tenant B",
            insert(self.relation, &mixed),
            Expect::Refused,
        ));
        if rule == Rule::Own {
            let other = self.row(Who::A2, "insert");
            all.push(self.attempt(
                Command::Insert,
                "adds a row of another user",
                insert(self.relation, &other),
                Expect::Refused,
            ));
        }
    }

    /// Rows that are moved or given away. Blind, so that SELECT's policies do not hide a missing WITH CHECK.
    fn moves(&self, rule: Rule, all: &mut Vec<Attempt>) {
        if rule == Rule::Any {
            return;
        }
        let name = self.relation.full_name();
        let theirs = self.row(Who::B1, "move");
        if let (Some(tenant), Some(value)) = (
            &self.promise.tenant,
            self.of(&theirs, self.promise.tenant.as_ref()),
        ) {
            let set = |columns: Vec<(&String, String)>| {
                let parts: Vec<String> = columns
                    .iter()
                    .map(|(column, value)| format!("{} = {value}", quote_ident(column)))
                    .collect();
                format!("UPDATE {name} SET {}", parts.join(", "))
            };
            let refers = |column: &String| {
                let number = self.shape.named(column).map(|column| column.number);
                number.is_some_and(|number| {
                    self.world
                        .keys(self.relation.oid)
                        .iter()
                        .any(|key| key.columns.contains(&number))
                })
            };
            let mut columns: Vec<(&String, String)> = vec![(tenant, value)];
            all.push(self.attempt(
                Command::Update,
                "moves its rows to tenant B",
                set(columns.clone()),
                Expect::Refused,
            ));
            columns.extend(
                theirs
                    .iter()
                    .filter(|(column, _)| column != tenant && refers(column))
                    .map(|(column, value)| (column, value.clone())),
            );
            if columns.len() > 1 {
                all.push(self.attempt(
                    Command::Update,
                    "moves its rows, and what they refer to, to tenant B",
                    set(columns),
                    Expect::Refused,
                ));
            }
        }
        let other = self.row(Who::A2, "");
        let hands_on = self.world.scene.access.exceptions.iter().any(|exception| {
            exception.check == "policy-check-forgets-column"
                && exception.objects.iter().any(|o| {
                    o.object.starts_with(&format!("{name}."))
                        && o.object.ends_with(&format!(
                            " {}",
                            self.promise.owner.as_deref().unwrap_or_default()
                        ))
                })
        });
        if let (Rule::Own, Some(owner), Some(value), false) = (
            rule,
            &self.promise.owner,
            self.of(&other, self.promise.owner.as_ref()),
            hands_on,
        ) {
            let sql = format!("UPDATE {name} SET {} = {value}", quote_ident(owner));
            all.push(self.attempt(
                Command::Update,
                "hands its rows to another user",
                sql,
                Expect::Refused,
            ));
        }
        for column in self
            .promise
            .immutable
            .iter()
            .map(|column| quote_ident(column))
        {
            let sql = format!("UPDATE {name} SET {column} = {column}");
            all.push(self.attempt(
                Command::Update,
                "changes a column that must not change",
                sql,
                Expect::Refused,
            ));
        }
    }

    /// What must work, with triggers and foreign keys as they are.
    fn works(&self, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let allowed = |command| {
            (self.rule)(command) != Rule::Deny
                && self
                    .relation
                    .grants(self.role, &letter(command).to_string())
        };
        if allowed(Command::Select) {
            let sql = format!("SELECT count(*) FROM {name} WHERE {}", self.keyed(Who::A1));
            all.push(self.attempt(Command::Select, "reads its own row", sql, Expect::Works));
        }
        if allowed(Command::Insert) && !self.world.scene.is_root(self.relation) {
            all.push(self.attempt(
                Command::Insert,
                "adds a row of its own",
                insert(self.relation, &self.row(Who::A1, "works")),
                Expect::Works,
            ));
        }
        if let (true, Some((column, value))) = (allowed(Command::Update), self.plain()) {
            let sql = format!(
                "UPDATE {name} SET {column} = {value} WHERE {}",
                self.keyed(Who::A1)
            );
            all.push(self.attempt(Command::Update, "changes its own row", sql, Expect::Works));
        }
        if allowed(Command::Delete) {
            let sql = format!("DELETE FROM {name} WHERE {}", self.keyed(Who::A1));
            all.push(self.attempt(Command::Delete, "deletes its own row", sql, Expect::Works));
        }
    }
}
