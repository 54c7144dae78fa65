//! What is around tables and their policies: privileges that no policy binds, views, functions, roles, schemas,
//! and what is gone.

use std::collections::BTreeSet;

use super::{Change, Comparison, Moved, moved};
use crate::posture::scene::Scene;
use crate::posture::{Oid, Reach, Relation};

impl Comparison<'_> {
    /// Whether a setting decides who reaches which row.
    fn decides(&self, key: &str) -> bool {
        let own = [&self.after.tenant_setting, &self.after.user_setting];
        let fixed = [
            "row_security",
            "session_replication_role",
            "role",
            "search_path",
        ];
        let mut all = own.into_iter().flatten().map(String::as_str).chain(fixed);
        all.any(|name| name.eq_ignore_ascii_case(key))
    }

    /// What is not there any more: whoever reached it reaches less.
    pub(super) fn gone(&self, all: &mut Vec<Moved>) {
        const WORDS: [(&str, &str); 4] = [
            ("r", "SELECT"),
            ("a", "INSERT"),
            ("w", "UPDATE"),
            ("d", "DELETE"),
        ];
        let there = |oid: &Oid| self.after.relations.contains_key(oid);
        let relations = self.before.posture.relations.iter();
        for relation in relations.filter(|r| !r.extension && !there(&r.oid)) {
            for role in self.actors() {
                for (_, word) in WORDS.iter().filter(|(l, _)| relation.grants(role, l)) {
                    all.push(moved(role, &relation.full_name(), word, Change::Narrowed));
                }
            }
        }
        let functions = self.before.posture.functions.iter();
        for function in functions.filter(|f| self.after.function(f.oid).is_none()) {
            for role in self.actors() {
                if function.callers.iter().any(|caller| caller == role) {
                    all.push(moved(
                        role,
                        &function.signature,
                        "EXECUTE",
                        Change::Narrowed,
                    ));
                }
            }
        }
        for old in &self.before.posture.schemas {
            let mut left = self.after.posture.schemas.iter();
            if let (Some(name), false) = (&old.name, left.any(|new| new.name == old.name)) {
                for role in &old.used_by {
                    all.push(moved(role, name, "USAGE", Change::Narrowed));
                }
            }
        }
        let same = |a: &Reach, b: &Reach| a.role == b.role && a.reaches == b.reaches;
        for old in &self.before.posture.roles {
            let mut left = self.after.posture.roles.iter();
            if !left.any(|new| same(new, old)) {
                all.push(moved(&old.role, &old.reaches, "SET ROLE", Change::Narrowed));
            }
        }
    }

    /// Privileges that no policy binds, and what is granted on what is no table.
    pub(super) fn privileges(&self, relation: &Relation, all: &mut Vec<Moved>) {
        const WORDS: [(char, &str); 9] = [
            ('r', "SELECT"),
            ('a', "INSERT"),
            ('w', "UPDATE"),
            ('W', "UPDATE of all columns"),
            ('d', "DELETE"),
            ('D', "TRUNCATE"),
            ('x', "REFERENCES"),
            ('t', "TRIGGER"),
            ('m', "MAINTAIN"),
        ];
        let old = self.before.relations.get(&relation.oid);
        for role in self.actors() {
            for (letter, word) in WORDS {
                let by_policy = relation.is_table() && matches!(letter, 'r' | 'a' | 'w' | 'd');
                let has = relation.grants(role, &letter.to_string());
                let had = old.is_some_and(|old| old.grants(role, &letter.to_string()));
                // On new tables the declared matrix counts, not the columns.
                if by_policy || letter == 'W' && (old.is_none() || !relation.is_table()) {
                    continue;
                }
                let change = match (had, has) {
                    (false, true) => Change::Widened("the privilege is new".to_owned()),
                    (true, false) => Change::Narrowed,
                    _ => continue,
                };
                all.push(moved(role, &relation.full_name(), word, change));
            }
        }
    }

    /// Whose rights a view runs with, who owns what, and whether owners are bound.
    pub(super) fn relation(&self, relation: &Relation, all: &mut Vec<Moved>) {
        let Some(old) = self.before.relations.get(&relation.oid) else {
            return;
        };
        let name = relation.full_name();
        if old.owner != relation.owner {
            let what = format!("it belongs to {} now, not to {}", relation.owner, old.owner);
            all.push(moved(
                &relation.owner,
                &name,
                "OWNER",
                Change::Widened(what),
            ));
        }
        match (
            old.forced && old.secured,
            relation.forced && relation.secured,
        ) {
            (true, false) => all.push(moved(
                &relation.owner,
                &name,
                "ALL",
                Change::Widened("row security does not bind the owner any more".to_owned()),
            )),
            (false, true) => all.push(moved(&relation.owner, &name, "ALL", Change::Narrowed)),
            _ => {}
        }
        let readers = || {
            self.actors()
                .into_iter()
                .filter(|role| relation.grants(role, "rawd"))
        };
        if old.invoker && !relation.invoker && relation.kind == 'v' {
            for role in readers() {
                let what = format!("it reads as {} now, not as the caller", relation.owner);
                all.push(moved(role, &name, "SELECT", Change::Widened(what)));
            }
        } else if old.definition != relation.definition && !relation.invoker {
            for role in readers() {
                let what = "another query, which runs as the view's owner".to_owned();
                all.push(moved(role, &name, "SELECT", Change::NotProvable(what)));
            }
        }
    }

    pub(super) fn functions(&self, all: &mut Vec<Moved>) {
        for function in &self.after.posture.functions {
            let old = self.before.function(function.oid);
            for role in self.actors() {
                let may = function.callers.iter().any(|caller| caller == role);
                let could = old.is_some_and(|old| old.callers.iter().any(|caller| caller == role));
                let change = match (could, may) {
                    (false, true) if function.definer => {
                        Change::Widened(format!("it runs as {}", function.owner))
                    }
                    (false, true) if old.is_some() => {
                        Change::Widened("the privilege is new".to_owned())
                    }
                    (true, false) => Change::Narrowed,
                    (true, true) if function.definer && old.is_some_and(|old| !old.definer) => {
                        Change::Widened(format!(
                            "it runs as {} now, not as the caller",
                            function.owner
                        ))
                    }
                    (true, true)
                        if function.definer && self.changed.functions.contains(&function.oid) =>
                    {
                        Change::NotProvable(format!(
                            "another body, which runs as {}",
                            function.owner
                        ))
                    }
                    _ => continue,
                };
                all.push(moved(role, &function.signature, "EXECUTE", change));
            }
        }
    }

    pub(super) fn roles(&self, all: &mut Vec<Moved>) {
        for reach in &self.after.posture.roles {
            let same = |old: &&Reach| old.role == reach.role && old.reaches == reach.reaches;
            let old = self.before.posture.roles.iter().find(same);
            let other = reach.role != reach.reaches;
            let had = |power: fn(&Reach) -> bool| old.is_some_and(power);
            let powers = [
                (
                    other && reach.inherits,
                    other && had(|old| old.inherits),
                    "INHERIT",
                ),
                (
                    other && reach.sets,
                    other && had(|old| old.sets),
                    "SET ROLE",
                ),
                (reach.administers, had(|old| old.administers), "ADMIN"),
                (reach.superuser, had(|old| old.superuser), "SUPERUSER"),
                (reach.bypasses, had(|old| old.bypasses), "BYPASSRLS"),
                (
                    reach.creates_roles,
                    had(|old| old.creates_roles),
                    "CREATEROLE",
                ),
                (reach.replicates, had(|old| old.replicates), "REPLICATION"),
            ];
            for (has, had, word) in powers {
                let change = match (had, has) {
                    (false, true) => Change::Widened("the role may, and could not".to_owned()),
                    (true, false) => Change::Narrowed,
                    _ => continue,
                };
                all.push(moved(&reach.role, &reach.reaches, word, change));
            }
        }
    }

    pub(super) fn schemas(&self, all: &mut Vec<Moved>) {
        for schema in &self.after.posture.schemas {
            let old = self
                .before
                .posture
                .schemas
                .iter()
                .find(|old| old.name == schema.name);
            let name = schema
                .name
                .clone()
                .unwrap_or_else(|| "the database".to_owned());
            let none = Vec::new();
            let lists = [
                (
                    "USAGE",
                    &schema.used_by,
                    old.map_or(&none, |old| &old.used_by),
                ),
                (
                    "CREATE",
                    &schema.created_by,
                    old.map_or(&none, |old| &old.created_by),
                ),
            ];
            for (word, now, then) in lists {
                let more = now.iter().filter(|role| !then.contains(role));
                let gone = then.iter().filter(|role| !now.contains(role));
                // Using a new schema reaches nothing that is not granted there.
                for role in more.filter(|_| old.is_some() || word == "CREATE") {
                    all.push(moved(
                        role,
                        &name,
                        word,
                        Change::Widened("the privilege is new".to_owned()),
                    ));
                }
                for role in gone {
                    all.push(moved(role, &name, word, Change::Narrowed));
                }
            }
        }
    }

    /// Publications, default privileges, presets, parameters, large objects.
    pub(super) fn facts(&self, all: &mut Vec<Moved>) {
        const KINDS: [&str; 6] = [
            "publication",
            "default",
            "setting",
            "parameter",
            "large_object",
            "event_trigger",
        ];
        for kind in KINDS {
            let told = |scene: &Scene<'_>| -> BTreeSet<(String, String, Oid)> {
                let facts = scene.posture.facts(kind);
                facts
                    .map(|fact| (fact.subject.clone(), fact.text.clone(), fact.oid))
                    .collect()
            };
            let (then, now) = (told(self.before), told(self.after));
            let word = kind.replace('_', " ");
            for (subject, text, oid) in now.difference(&then) {
                let object = self
                    .after
                    .relations
                    .get(oid)
                    .map_or_else(|| text.clone(), |r| r.full_name());
                let key = text.split('=').next().unwrap_or_default();
                let change = match kind {
                    "setting" if !self.decides(key) => continue,
                    "setting" => Change::NotProvable(format!("what {text} does to sessions")),
                    _ => Change::Widened(format!("{word} {text} is new")),
                };
                all.push(moved(subject, &object, &word, change));
            }
            for (subject, text, _) in then.difference(&now) {
                let key = text.split('=').next().unwrap_or_default();
                if kind == "setting" && !self.decides(key) {
                    continue;
                }
                all.push(moved(subject, text, &word, Change::Narrowed));
            }
        }
    }
}
