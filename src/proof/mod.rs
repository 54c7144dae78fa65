//! Engine proof: for every role, table and command, that the effective policy admits no row that the
//! promise does not, and every row that it does. It reads no row and takes no lock.
//!
//! The effective policy is (OR of the permissive) AND (AND of the restrictive). Policies for SELECT
//! are not credited to UPDATE and DELETE: a statement that reads no column is not bound by them.

use std::collections::{BTreeMap, BTreeSet};

use crate::posture::scene::{Scene, letter};
use crate::posture::{Oid, Policy, Relation};
use crate::spec::access::{Command, Rule};

mod carrier;
mod context;
mod decide;
mod describe;
mod formula;
mod inline;
mod told;

pub use told::findings;

use decide::{Formula, Search, satisfy};
use formula::{Meaning, OWNER, TENANT, Translator};

/// Which row a policy is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The row as it is: USING.
    Old,
    /// The row as it will be: WITH CHECK, or USING where there is none.
    New,
}

/// What came out for one role, table, command and side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The policy admits exactly what is promised.
    Proved,
    /// It admits a row that is not promised: under this assignment.
    Wider(String),
    /// It refuses a row that is promised: under this assignment.
    Narrower(String),
    /// It depends on this, which cannot be looked into.
    NotProvable(String),
    /// It depends on membership that a sub-select decides; attempts have to confirm it.
    Membership(String),
}

/// One judged case.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The table.
    pub table: Oid,
    /// The role.
    pub role: String,
    /// The command.
    pub command: Command,
    /// The side.
    pub side: Side,
    /// The promise.
    pub rule: Rule,
    /// What came out.
    pub verdict: Verdict,
}

/// The sides that a command has.
pub const fn sides(command: Command) -> &'static [Side] {
    match command {
        Command::Select | Command::Delete => &[Side::Old],
        Command::Insert => &[Side::New],
        Command::Update => &[Side::Old, Side::New],
    }
}

/// Judges every promised table, and every label of a graph whose isolation is enforced.
pub fn judge(scene: &Scene<'_>) -> Vec<Judged> {
    let equal = scene.posture.equalities();
    let mut memo: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut all = Vec::new();
    for (table, role, command, rule) in promises(scene) {
        for side in sides(command) {
            let loosened =
                *side == Side::New && command == Command::Update && hands_on(scene, table);
            let case = Case {
                scene,
                equal: &equal,
                table,
                role,
                command,
                side: *side,
                rule,
                owner: !loosened,
            };
            let key = case.key();
            let verdict = memo.entry(key).or_insert_with(|| case.verdict()).clone();
            all.push(Judged {
                table: table.oid,
                role: role.to_owned(),
                command,
                side: *side,
                rule,
                verdict,
            });
        }
    }
    all
}

/// Every role, table and command with what is promised.
fn promises<'a>(scene: &'a Scene<'_>) -> Vec<(&'a Relation, &'a str, Command, Rule)> {
    let mut all = Vec::new();
    for relation in scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.is_table())
    {
        let promise = scene.promise(relation);
        let label = scene.graph_enforced() && scene.is_label(relation.oid);
        for role in &scene.applications {
            let rules = promise.and_then(|promise| promise.roles.get(role));
            for command in Command::ALL {
                match (promise, label) {
                    (Some(_), _) => all.push((
                        relation,
                        role.as_str(),
                        command,
                        rules.map_or(Rule::Deny, |rules| rules.of(command)),
                    )),
                    (None, true) if relation.grants(role, &letter(command).to_string()) => {
                        all.push((relation, role, command, Rule::Tenant))
                    }
                    _ => {}
                }
            }
        }
    }
    all
}

/// Whether it is accepted that an owner hands a row on: the new row is then tested for the tenant alone.
fn hands_on(scene: &Scene<'_>, table: &Relation) -> bool {
    let owner = scene
        .promise(table)
        .and_then(|promise| promise.owner.as_deref());
    let (prefix, suffix) = (
        format!("{}.", table.full_name()),
        format!(" {}", owner.unwrap_or_default()),
    );
    let mut accepted = scene
        .access
        .exceptions
        .iter()
        .filter(|e| e.check == "policy-check-forgets-column")
        .flat_map(|e| &e.objects);
    owner.is_some()
        && accepted.any(|a| a.object.starts_with(&prefix) && a.object.ends_with(&suffix))
}

/// One question.
struct Case<'a> {
    scene: &'a Scene<'a>,
    equal: &'a BTreeSet<Oid>,
    table: &'a Relation,
    role: &'a str,
    command: Command,
    side: Side,
    rule: Rule,
    owner: bool,
}

impl Case<'_> {
    fn granted(&self) -> bool {
        self.table
            .grants(self.role, &letter(self.command).to_string())
    }

    fn tree<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        let side = match self.side {
            Side::Old => &policy.using_tree,
            Side::New => {
                if policy.check_tree.is_some() {
                    &policy.check_tree
                } else {
                    &policy.using_tree
                }
            }
        };
        side.as_deref()
    }

    /// Cases with equal keys have equal verdicts.
    fn key(&self) -> String {
        let policies = self.scene.applying(self.table.oid, self.role, self.command);
        let trees: Vec<(bool, Option<&str>)> = policies
            .iter()
            .map(|policy| (policy.permissive, self.tree(policy)))
            .collect();
        let tenant = self
            .scene
            .tenant_column(self.table)
            .and_then(|name| self.table.column(name));
        let owner = self
            .scene
            .promise(self.table)
            .and_then(|promise| self.table.column(promise.owner.as_deref()?));
        let carriers: Vec<_> = [tenant, owner]
            .into_iter()
            .map(|c| c.map(|c| (c.number, c.type_oid, c.not_null)))
            .collect();
        format!(
            "{trees:?} {carriers:?} {:?} {} {} {} {}",
            self.rule,
            self.owner,
            self.table.secured,
            self.granted(),
            self.scene.is_label(self.table.oid)
        )
    }

    fn effective(&self, translator: &mut Translator<'_>) -> Formula {
        if !self.granted() {
            return Formula::Known(Some(false));
        }
        if !self.table.secured {
            return Formula::Known(Some(true));
        }
        let (mut any, mut every) = (Vec::new(), Vec::new());
        for policy in self.scene.applying(self.table.oid, self.role, self.command) {
            let formula = match self.tree(policy).map(|md5| self.scene.exprs.get(md5)) {
                Some(Some(expr)) => translator.formula(expr),
                // A side without an expression admits everything.
                None => Formula::Known(Some(true)),
                Some(None) => {
                    translator
                        .atoms
                        .push(Meaning::Opaque(crate::posture::expr::Expr::Other(
                            crate::posture::tree::Node::Word(policy.name.clone()),
                        )));
                    Formula::Atom(translator.atoms.len() - 1)
                }
            };
            if policy.permissive {
                any.push(formula)
            } else {
                every.push(formula)
            }
        }
        every.push(Formula::Any(any));
        Formula::All(every)
    }

    fn verdict(&self) -> Verdict {
        let mut translator = Translator::new(self.scene, self.table, self.equal);
        let effective = self.effective(&mut translator).truth();
        let own = Formula::All(vec![Formula::Atom(TENANT), Formula::Atom(OWNER)]);
        let (most, least) = match self.rule {
            Rule::Any => (Formula::Known(Some(true)), Formula::Known(Some(true))),
            Rule::Deny => (Formula::Known(Some(false)), Formula::Known(Some(false))),
            Rule::Own if self.owner => (own.clone(), own),
            // Where an owner may hand a row on, a policy that does not allow it is no defect.
            Rule::Own => (Formula::Atom(TENANT), own),
            Rule::Tenant => (Formula::Atom(TENANT), Formula::Atom(TENANT)),
        };
        let atoms = &translator.atoms;
        let wider = Formula::All(vec![effective.clone(), most.truth().negated()]);
        let narrower = Formula::All(vec![least.truth(), effective.negated()]);
        let closed = |meaning: &Meaning| matches!(meaning, Meaning::Opaque(_) | Meaning::Member(_));
        // First without the help of what cannot be looked into.
        let open: Vec<_> = atoms
            .iter()
            .map(|meaning| closed(meaning).then_some(Some(false)))
            .collect();
        let free = vec![None; atoms.len()];
        match satisfy(&wider, open) {
            Search::Found(found) => {
                return Verdict::Wider(describe::assignment(self.scene, self.table, atoms, &found));
            }
            Search::TooLong => {
                return Verdict::NotProvable(
                    "a policy with more alternatives than can be tried".to_owned(),
                );
            }
            Search::None => {}
        }
        if let Search::Found(found) = satisfy(&wider, free.clone()) {
            let stops = atoms
                .iter()
                .zip(&found)
                .filter(|(meaning, value)| closed(meaning) && **value == Some(Some(true)));
            let (mut members, mut opaque) = (Vec::new(), Vec::new());
            for (meaning, _) in stops {
                match meaning {
                    Meaning::Member(expr) => {
                        members.push(describe::expr(self.scene, self.table, expr))
                    }
                    Meaning::Opaque(expr) => {
                        opaque.push(describe::expr(self.scene, self.table, expr))
                    }
                    _ => {}
                }
            }
            return match opaque.is_empty() && !members.is_empty() {
                true => Verdict::Membership(members.join(" and ")),
                false => Verdict::NotProvable(opaque.join(" and ")),
            };
        }
        match satisfy(&narrower, free) {
            Search::Found(found) => {
                Verdict::Narrower(describe::assignment(self.scene, self.table, atoms, &found))
            }
            Search::TooLong => {
                Verdict::NotProvable("a policy with more alternatives than can be tried".to_owned())
            }
            Search::None => Verdict::Proved,
        }
    }
}
