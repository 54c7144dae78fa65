//! The attempts on one table by one role.

use super::attempt::{Attempt, Context, Expect};
use super::shape::Shape;
use super::world::{Row, Who, World, insert};
use crate::catalog::name::quote_ident;
use crate::posture::Relation;
use crate::posture::scene::letter;
use crate::spec::access::{Carried, Command, Rule, TableAccess};

pub(super) struct Table<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) relation: &'a Relation,
    pub(super) promise: &'a TableAccess,
    pub(super) shape: &'a Shape,
    pub(super) role: &'a str,
    pub(super) rule: &'a dyn Fn(Command) -> Rule,
}

impl Table<'_> {
    pub(super) fn attempt(
        &self,
        command: Command,
        what: &str,
        sql: String,
        expect: Expect,
    ) -> Attempt {
        Attempt {
            table: self.relation.oid,
            object: self.relation.full_name(),
            command: command.as_str(),
            what: what.to_owned(),
            sql,
            expect,
        }
    }

    pub(super) fn row(&self, who: Who, fresh: &str) -> Row {
        self.world.row(self.relation.oid, who, fresh)
    }

    fn keyed(&self, who: Who) -> String {
        self.world.condition(self.relation.oid, &self.row(who, ""))
    }

    /// The value of the column that carries it, or leads there.
    pub(super) fn of(&self, row: &Row, carried: Option<&Carried>) -> Option<String> {
        let column = carried?.first();
        row.iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| value.clone())
    }

    /// Which rows a rule is about in the context of tenant A and its first user.
    fn promised(&self, rule: Rule) -> String {
        let is =
            |carried: &Option<Carried>| self.world.holds(self.relation, carried.as_ref()?, Who::A1);
        let tenant = is(&self.promise.tenant).unwrap_or_else(|| "true".to_owned());
        match rule {
            Rule::Any => "true".to_owned(),
            Rule::Deny => "false".to_owned(),
            Rule::Tenant | Rule::Within => tenant,
            Rule::Own => format!(
                "{tenant} AND {}",
                is(&self.promise.owner).unwrap_or_else(|| "true".to_owned())
            ),
        }
    }

    fn count(&self, rule: Rule) -> Expect {
        let (name, promised) = (self.relation.full_name(), self.promised(rule));
        let wanted = format!("SELECT count(*) FROM {name} WHERE {promised}");
        match rule {
            Rule::Deny => Expect::Nothing,
            Rule::Within => Expect::AtMost(wanted),
            _ => Expect::Exactly(wanted),
        }
    }

    /// A column that a blind UPDATE can write: it carries nothing, nothing refers to it, and no CHECK asks
    /// for certain values if there is one without.
    fn plain(&self) -> Option<(String, String)> {
        let carries = |name: &String| {
            let mut carried = self.promise.tenant.iter().chain(&self.promise.owner);
            carried.any(|carried| carried.first() == name)
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
        let written = shape.columns.iter().filter(|column| {
            !column.generated
                && !column.keyed
                && fits(column.number)
                && !carries(&column.name)
                && !immutable(&column.name)
        });
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let checked = |name: &str| {
            let mut texts = shape.checks.iter();
            texts.any(|text| text.split(|c: char| !word(c)).any(|part| part == name))
        };
        let column =
            written.min_by_key(|column| !column.checks.is_empty() || checked(&column.name))?;
        let value = self.world.value(self.relation.oid, column, Who::A1, "");
        Some((quote_ident(&column.name), value))
    }

    /// Contexts in which nothing of A or B may be reached.
    pub(super) fn outside(&self, context: Context, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let rule = |command| match ((self.rule)(command), context) {
            (Rule::Any, _) => None,
            (rule @ (Rule::Tenant | Rule::Within), Context::NoUser)
                if self.world.scene.members().is_none() =>
            {
                Some(self.count(rule))
            }
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
    pub(super) fn inside(&self, all: &mut Vec<Attempt>) {
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

    /// What must work, with triggers and foreign keys as they are.
    pub(super) fn works(&self, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let allowed = |command| {
            !matches!((self.rule)(command), Rule::Deny | Rule::Within)
                && self
                    .relation
                    .grants(self.role, &letter(command).to_string())
        };
        if allowed(Command::Select) {
            let sql = format!("SELECT count(*) FROM {name} WHERE {}", self.keyed(Who::A1));
            all.push(self.attempt(Command::Select, "reads its own row", sql, Expect::Works));
        }
        // A user has one row where its id is the key.
        let only = self
            .promise
            .owner
            .as_ref()
            .and_then(|owner| owner.direct())
            .is_some_and(|owner| {
                let number = self.shape.named(owner).map(|column| column.number);
                number.is_some_and(|number| self.shape.key == [number])
            });
        if allowed(Command::Insert) && !only && !self.world.scene.is_root(self.relation) {
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
