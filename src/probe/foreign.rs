//! Rows that would become another tenant's, or another user's.

use super::attempt::{Attempt, Expect};
use super::table::Table;
use super::world::{Row, Who, insert};
use crate::catalog::name::quote_ident;
use crate::spec::access::{Command, Rule};

impl Table<'_> {
    pub(super) fn inserts(&self, all: &mut Vec<Attempt>) {
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
                let foreign = (self
                    .promise
                    .tenant
                    .as_ref()
                    .is_some_and(|carried| carried.first() == column))
                .then(|| self.of(&foreign, self.promise.tenant.as_ref()))
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
    pub(super) fn moves(&self, rule: Rule, all: &mut Vec<Attempt>) {
        if rule == Rule::Any {
            return;
        }
        let name = self.relation.full_name();
        let theirs = self.row(Who::B1, "move");
        if let (Some(tenant), Some(value)) = (
            self.promise
                .tenant
                .as_ref()
                .map(|carried| carried.first().to_owned()),
            self.of(&theirs, self.promise.tenant.as_ref()),
        ) {
            let tenant = &tenant;
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
        self.gives_away(rule, all);
    }

    /// Rows handed on, and columns that must not change.
    fn gives_away(&self, rule: Rule, all: &mut Vec<Attempt>) {
        let name = self.relation.full_name();
        let other = self.row(Who::A2, "");
        let hands_on = self.world.scene.access.exceptions.iter().any(|exception| {
            exception.check == "policy-check-forgets-column"
                && exception.objects.iter().any(|o| {
                    o.object.starts_with(&format!("{name}."))
                        && o.object.ends_with(&format!(
                            " {}",
                            self.promise
                                .owner
                                .as_ref()
                                .map_or("", |owner| owner.first())
                        ))
                })
        });
        if let (Rule::Own, Some(owner), Some(value), false) = (
            rule,
            self.promise.owner.as_ref().map(|owner| owner.first()),
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
}
