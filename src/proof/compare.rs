//! What a change of the database does to access: unchanged, narrowed, widened (to whom, for which command),
//! or not provable. The two postures are of one database, so ids mean the same in both.

mod around;
mod changed;

use super::decide::{Formula, Search, satisfy};
use super::describe;
use super::formula::{Meaning, Translator};
use super::{Case, Side, sides};
use crate::posture::Relation;
use crate::posture::scene::{Scene, letter};
use crate::spec::access::{Command, Rule};
use changed::Changed;

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
    /// The object is new: nobody's rows are in it yet, and it is judged by what is declared of it.
    pub fresh: bool,
}

/// Compares every access of the roles concerned. Shape: what nothing was done to is left out.
pub fn compare<'a>(before: &'a Scene<'a>, after: &'a Scene<'a>) -> Vec<Moved> {
    let comparison = Comparison {
        before,
        after,
        changed: Changed::between(before, after),
    };
    let mut all = Vec::new();
    for relation in &after.posture.relations {
        comparison.rows(relation, &mut all);
        comparison.privileges(relation, &mut all);
        comparison.relation(relation, &mut all);
    }
    comparison.gone(&mut all);
    comparison.functions(&mut all);
    comparison.roles(&mut all);
    comparison.schemas(&mut all);
    comparison.facts(&mut all);
    all.sort_by(|a, b| (&a.object, &a.role, &a.command).cmp(&(&b.object, &b.role, &b.command)));
    all.dedup();
    all
}

struct Comparison<'a> {
    before: &'a Scene<'a>,
    after: &'a Scene<'a>,
    changed: Changed,
}

fn moved(role: &str, object: &str, command: &str, change: Change) -> Moved {
    Moved {
        role: role.to_owned(),
        object: object.to_owned(),
        command: command.to_owned(),
        change,
        fresh: false,
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
                    all.push(Moved {
                        fresh: old.is_none(),
                        ..moved(role, &relation.full_name(), command.as_str(), change)
                    });
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
        let touched = self.changed.decides(&was) || self.changed.decides(&is);
        if was.state() == is.state() && !touched {
            return None;
        }
        let mut translator = Translator::new(self.before, old, role);
        let first = was.effective(&mut translator).truth();
        // What reads or calls something that changed need not say now what it said before.
        translator.go_on(self.after, &|expr| self.changed.mentioned(expr));
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
        let (then, now) = (was.atoms(), is.atoms());
        // What cannot be looked into, and is on one side only.
        let closed = |at: usize| {
            let opaque = matches!(atoms[at], Meaning::Opaque(_) | Meaning::Member(_));
            opaque && !(then.contains(&at) && now.contains(&at))
        };
        let open = (0..atoms.len()).map(|at| closed(at).then_some(Some(false)));
        let wider = Formula::All(vec![is.clone(), was.clone().negated()]);
        match satisfy(&wider, open.collect()) {
            Search::Found(found) => {
                let when = describe::assignment(self.after, &relations, atoms, &found);
                return Change::Widened(format!("rows when {when}"));
            }
            Search::TooLong => {
                return Change::NotProvable(
                    "policies with more alternatives than can be tried".to_owned(),
                );
            }
            Search::None => {}
        }
        if let Search::Found(found) = satisfy(&wider, free.clone()) {
            let stops = (0..atoms.len()).filter(|at| closed(*at) && found[*at].is_some());
            let stops: Vec<String> = stops
                .filter_map(|at| match &atoms[at] {
                    Meaning::Opaque(expr) | Meaning::Member(expr) => {
                        Some(describe::expr(self.after, &relations, expr))
                    }
                    _ => None,
                })
                .collect();
            return Change::NotProvable(stops.join(" and "));
        }
        let narrower = Formula::All(vec![was, is.negated()]);
        match satisfy(&narrower, free) {
            Search::None => Change::Unchanged,
            _ => Change::Narrowed,
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
