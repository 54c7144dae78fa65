//! What a change of the database does to access: unchanged, narrowed, widened (to whom, for which command),
//! or not provable. The two postures are of one database, so ids mean the same in both.

use std::collections::BTreeSet;

use super::decide::{Formula, Search, satisfy};
use super::describe;
use super::formula::{Meaning, Translator};
use super::{Case, Side, sides};
use crate::posture::expr::Expr;
use crate::posture::scene::{Scene, letter};
use crate::posture::{Function, Oid, Relation};
use crate::spec::access::{Command, Rule};

/// What became of one access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Fewer rows, or none.
    Narrowed,
    /// More: which.
    Widened(String),
    /// It depends on this, which cannot be looked into.
    NotProvable(String),
    /// Written otherwise, and means the same.
    Unchanged,
}

/// One access that was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Whose.
    pub role: String,
    /// To what.
    pub object: String,
    /// By which command or privilege.
    pub command: String,
    /// What became of it.
    pub change: Change,
}

/// Compares every access of the roles concerned. Shape: what nothing was done to is left out.
pub fn compare<'a>(before: &'a Scene<'a>, after: &'a Scene<'a>) -> Vec<Moved> {
    let comparison = Comparison {
        before,
        after,
        functions: changed_functions(before, after),
    };
    let mut all = Vec::new();
    for relation in &after.posture.relations {
        comparison.rows(relation, &mut all);
        comparison.privileges(relation, &mut all);
        comparison.relation(relation, &mut all);
    }
    comparison.functions(&mut all);
    comparison.roles(&mut all);
    comparison.schemas(&mut all);
    comparison.facts(&mut all);
    all.sort_by(|a, b| (&a.object, &a.role, &a.command).cmp(&(&b.object, &b.role, &b.command)));
    all.dedup();
    all
}

/// Functions that are there before and after and do not do the same.
fn changed_functions(before: &Scene<'_>, after: &Scene<'_>) -> BTreeSet<Oid> {
    let does = |function: &Function| {
        let text = (
            function.body.clone(),
            function.tree.clone(),
            function.settings.clone(),
        );
        let how = (
            function.definer,
            function.volatility,
            function.owner.clone(),
            function.leakproof,
        );
        (text, how)
    };
    let all = after.posture.functions.iter();
    all.filter(|function| {
        before
            .function(function.oid)
            .is_some_and(|old| does(old) != does(function))
    })
    .map(|function| function.oid)
    .collect()
}

struct Comparison<'a> {
    before: &'a Scene<'a>,
    after: &'a Scene<'a>,
    functions: BTreeSet<Oid>,
}

fn moved(role: &str, object: &str, command: &str, change: Change) -> Moved {
    Moved {
        role: role.to_owned(),
        object: object.to_owned(),
        command: command.to_owned(),
        change,
    }
}

impl<'a> Comparison<'a> {
    fn actors(&self) -> Vec<&'a str> {
        self.after.actors()
    }

    /// Which rows each role reaches in a table by each command.
    fn rows(&self, relation: &'a Relation, all: &mut Vec<Moved>) {
        if !relation.is_table() || relation.extension {
            return;
        }
        let old = self.before.relations.get(&relation.oid).copied();
        for role in self.actors() {
            for command in Command::ALL {
                let mut worst = None;
                for side in sides(command) {
                    let change = match old {
                        Some(old) => self.side(old, relation, role, command, *side),
                        None => self.fresh(relation, role, command, *side),
                    };
                    let change = change.map(|change| (weight(&change), change));
                    let heavier = |(weight, _): &(u8, Change)| {
                        worst
                            .as_ref()
                            .is_none_or(|(most, _): &(u8, Change)| weight > most)
                    };
                    if change.as_ref().is_some_and(heavier) {
                        worst = change;
                    }
                }
                if let Some((_, change)) = worst {
                    all.push(moved(role, &relation.full_name(), command.as_str(), change));
                }
            }
        }
    }

    fn case(
        scene: &'a Scene<'a>,
        table: &'a Relation,
        role: &'a str,
        command: Command,
        side: Side,
    ) -> Case<'a> {
        let rules = scene
            .promise(table)
            .and_then(|promise| promise.roles.get(role));
        Case {
            scene,
            table,
            role,
            command,
            side,
            rule: rules.map_or(Rule::Deny, |rules| rules.of(command)),
            owner: true,
        }
    }

    /// One side of one command on a table that was there before.
    fn side(
        &self,
        old: &'a Relation,
        new: &'a Relation,
        role: &'a str,
        command: Command,
        side: Side,
    ) -> Option<Change> {
        let was = Self::case(self.before, old, role, command, side);
        let is = Self::case(self.after, new, role, command, side);
        let touched = self.mentions_changed(&is);
        if was.state() == is.state() && !touched {
            return None;
        }
        let mut translator = Translator::new(self.before, old, role);
        let first = was.effective(&mut translator).truth();
        translator.scene = self.after;
        let second = is.effective(&mut translator).truth();
        Some(self.judged(&translator, first, second))
    }

    /// A table that is new: nobody's rows are in it yet, so what counts is what is declared.
    fn fresh(
        &self,
        table: &'a Relation,
        role: &'a str,
        command: Command,
        side: Side,
    ) -> Option<Change> {
        let is = Self::case(self.after, table, role, command, side);
        let mut translator = Translator::new(self.after, table, role);
        let effective = is.effective(&mut translator).truth();
        if effective == Formula::Known(Some(false)).truth() {
            return None;
        }
        let (most, _) = is.bounds();
        match self.judged(&translator, most.truth(), effective) {
            Change::Widened(when) => Some(Change::Widened(format!(
                "more than spec/access.toml promises of the new table: {when}"
            ))),
            other => matches!(other, Change::NotProvable(_)).then_some(other),
        }
    }

    fn judged(&self, translator: &Translator<'a>, was: Formula, is: Formula) -> Change {
        let atoms = &translator.atoms;
        let relations: Vec<&Relation> = translator.rows.iter().map(|row| row.relation).collect();
        let free = vec![None; atoms.len()];
        let closed = |found: &[Option<Option<bool>>]| -> Vec<String> {
            atoms
                .iter()
                .zip(found)
                .filter(|(_, value)| value.is_some())
                .filter_map(|(meaning, _)| match meaning {
                    Meaning::Opaque(expr) | Meaning::Member(expr) => Some(expr),
                    Meaning::Data(expr) if self.calls_changed(expr) => Some(expr),
                    _ => None,
                })
                .map(|expr| describe::expr(self.after, &relations, expr))
                .collect()
        };
        let wider = Formula::All(vec![is.clone(), was.clone().negated()]);
        match satisfy(&wider, free.clone()) {
            Search::Found(found) => {
                let stops = closed(&found);
                return match stops.is_empty() {
                    true => Change::Widened(format!(
                        "rows when {}",
                        describe::assignment(self.after, &relations, atoms, &found)
                    )),
                    false => Change::NotProvable(stops.join(" and ")),
                };
            }
            Search::TooLong => {
                return Change::NotProvable(
                    "policies with more alternatives than can be tried".to_owned(),
                );
            }
            Search::None => {}
        }
        let narrower = Formula::All(vec![was, is.negated()]);
        match satisfy(&narrower, free) {
            Search::None => Change::Unchanged,
            _ => Change::Narrowed,
        }
    }

    fn calls_changed(&self, expr: &Expr) -> bool {
        let mut changed = false;
        expr.walk(&mut |inner| {
            changed |= match inner {
                Expr::Call(function, _) => self.functions.contains(function),
                Expr::SubSelect { query, .. } => query
                    .functions
                    .iter()
                    .any(|oid| self.functions.contains(oid)),
                _ => false,
            };
        });
        changed
    }

    /// Whether a policy of the case calls a function that changed.
    fn mentions_changed(&self, case: &Case<'a>) -> bool {
        let policies = self.after.applying(case.table.oid, case.role, case.command);
        policies.iter().any(|policy| {
            case.tree(policy)
                .and_then(|md5| self.after.exprs.get(md5))
                .is_some_and(|expr| self.calls_changed(expr))
        })
    }

    /// Privileges that no policy binds, and what is granted on what is no table.
    fn privileges(&self, relation: &Relation, all: &mut Vec<Moved>) {
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
    fn relation(&self, relation: &Relation, all: &mut Vec<Moved>) {
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

    fn functions(&self, all: &mut Vec<Moved>) {
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
                    (true, true) if function.definer && self.functions.contains(&function.oid) => {
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

    fn roles(&self, all: &mut Vec<Moved>) {
        for reach in &self.after.posture.roles {
            let same = |old: &&crate::posture::Reach| {
                old.role == reach.role && old.reaches == reach.reaches
            };
            let old = self.before.posture.roles.iter().find(same);
            let powers = [
                (
                    reach.inherits && reach.role != reach.reaches,
                    old.is_some_and(|old| old.inherits),
                    "INHERIT",
                ),
                (
                    reach.sets && reach.role != reach.reaches,
                    old.is_some_and(|old| old.sets),
                    "SET ROLE",
                ),
                (
                    reach.administers,
                    old.is_some_and(|old| old.administers),
                    "ADMIN",
                ),
                (
                    reach.superuser,
                    old.is_some_and(|old| old.superuser),
                    "SUPERUSER",
                ),
                (
                    reach.bypasses,
                    old.is_some_and(|old| old.bypasses),
                    "BYPASSRLS",
                ),
                (
                    reach.creates_roles,
                    old.is_some_and(|old| old.creates_roles),
                    "CREATEROLE",
                ),
                (
                    reach.replicates,
                    old.is_some_and(|old| old.replicates),
                    "REPLICATION",
                ),
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

    fn schemas(&self, all: &mut Vec<Moved>) {
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
    fn facts(&self, all: &mut Vec<Moved>) {
        const KINDS: [&str; 6] = [
            "publication",
            "default",
            "setting",
            "parameter",
            "large_object",
            "login_trigger",
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
                let change = match kind {
                    "setting" => Change::NotProvable(format!("what {text} does to sessions")),
                    _ => Change::Widened(format!("{word} {text} is new")),
                };
                all.push(moved(subject, &object, &word, change));
            }
            for (subject, text, _) in then.difference(&now) {
                all.push(moved(subject, text, &word, Change::Narrowed));
            }
        }
    }
}

/// The worst comes last.
fn weight(change: &Change) -> u8 {
    match change {
        Change::Unchanged => 0,
        Change::Narrowed => 1,
        Change::NotProvable(_) => 2,
        Change::Widened(_) => 3,
    }
}

impl Case<'_> {
    /// Everything about policies, grants and columns that decides it.
    fn state(&self) -> String {
        let policies = self.scene.applying(self.table.oid, self.role, self.command);
        let mut trees: Vec<(bool, Option<&str>)> = policies
            .iter()
            .map(|policy| (policy.permissive, self.tree(policy)))
            .collect();
        trees.sort_unstable();
        format!(
            "{trees:?} {} {}",
            self.table.secured,
            self.table
                .grants(self.role, &letter(self.command).to_string())
        )
    }
}
