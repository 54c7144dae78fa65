//! Engine proof: for every role, table and command, that the effective policy admits no row that the
//! promise does not, and every row that it does. It reads no row and takes no lock.
//!
//! The effective policy is (OR of the permissive) AND (AND of the restrictive). Policies for SELECT
//! are not credited to UPDATE and DELETE: a statement that reads no column is not bound by them.

use std::collections::BTreeMap;

use crate::posture::expr::{Expr, place};
use crate::posture::scene::{Scene, letter};
use crate::posture::tree::Node;
use crate::posture::{FIRST_USER_OID, Oid, Policy, Relation};
use crate::spec::access::{Command, Rule};

mod carrier;
mod context;
mod decide;
mod describe;
mod exists;
mod formula;
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
pub fn judge<'a>(scene: &'a Scene<'a>) -> Vec<Judged> {
    let mut memo: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut all = Vec::new();
    for (table, role, command, rule) in promises(scene) {
        for side in sides(command) {
            let loosened =
                *side == Side::New && command == Command::Update && hands_on(scene, table);
            let case = Case {
                scene,
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
fn promises<'a>(scene: &'a Scene<'a>) -> Vec<(&'a Relation, &'a str, Command, Rule)> {
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
        .and_then(|promise| promise.owner.as_ref());
    let (prefix, suffix) = (
        format!("{}.", table.full_name()),
        format!(" {}", owner.map_or("", |owner| owner.first())),
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
    table: &'a Relation,
    role: &'a str,
    command: Command,
    side: Side,
    rule: Rule,
    owner: bool,
}

impl<'a> Case<'a> {
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
            .and_then(|promise| self.table.column(promise.owner.as_ref()?.direct()?));
        let carriers: Vec<_> = [tenant, owner]
            .into_iter()
            .map(|c| c.map(|c| (c.number, c.type_oid, c.not_null)))
            .collect();
        // Where other tables decide, tables with equal policies may differ.
        let promise = self.scene.promise(self.table);
        let far = |carried: &Option<crate::spec::access::Carried>| {
            carried
                .as_ref()
                .is_some_and(|carried| carried.direct().is_none())
        };
        let others = promise.is_some_and(|promise| far(&promise.tenant) || far(&promise.owner))
            || policies.iter().any(|policy| {
                self.tree(policy)
                    .and_then(|md5| self.scene.exprs.get(md5))
                    .is_some_and(|expr| self.looks_elsewhere(expr))
            });
        let alone = if others { self.table.oid } else { 0 };
        let of = if self.scene.tenant_number(self.table).is_some()
            || promise.is_some_and(|p| p.tenant.is_some())
        {
            1
        } else {
            0
        };
        format!(
            "{trees:?} {carriers:?} {alone} {of} {} {:?} {} {} {} {}",
            self.role,
            self.rule,
            self.owner,
            self.table.secured,
            self.granted(),
            self.scene.is_label(self.table.oid)
        )
    }

    /// Whether an expression asks other tables, or falls back to a value that a CHECK might keep out.
    fn looks_elsewhere(&self, expr: &Expr) -> bool {
        let mut looks = false;
        expr.walk(&mut |inner| {
            looks |= match inner {
                Expr::SubSelect { .. } | Expr::Coalesce(_) => true,
                Expr::Call(function, arguments) if !arguments.is_empty() => {
                    *function >= FIRST_USER_OID
                }
                Expr::Call(function, _) => {
                    self.scene.body(*function).is_none_or(|body| {
                        !body.from.is_empty()
                            || body
                                .exprs()
                                .into_iter()
                                .any(|expr| self.looks_elsewhere(expr))
                    }) && *function >= FIRST_USER_OID
                }
                _ => false,
            };
        });
        looks
    }

    fn effective(&self, translator: &mut Translator<'a>) -> Formula {
        if !self.granted() {
            return Formula::Known(Some(false));
        }
        if !self.table.secured {
            return Formula::Known(Some(true));
        }
        let (mut any, mut every) = (Vec::new(), Vec::new());
        for policy in self.scene.applying(self.table.oid, self.role, self.command) {
            let formula = match self.tree(policy).map(|md5| self.scene.exprs.get(md5)) {
                // A side without an expression admits everything.
                None => Formula::Known(Some(true)),
                Some(expr) => match expr.and_then(|expr| place(expr, &[Some(0)])) {
                    Some(placed) => translator.formula(&placed),
                    None => translator.atom(&Expr::Other(Node::Word(policy.name.clone()))),
                },
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

    /// What holds of every row: the session's user is a member of the tenant that its own membership names.
    fn axiom(&self) -> Formula {
        let own = self.scene.members().is_some_and(|(members, membership)| {
            let promise = self.scene.promise(self.table);
            let owner = promise.and_then(|promise| promise.owner.as_ref()?.direct());
            members.oid == self.table.oid && owner == Some(membership.user.as_str())
        });
        match own {
            true => Formula::Any(vec![
                Formula::Atom(OWNER).truth().negated(),
                Formula::Atom(TENANT).truth(),
            ]),
            false => Formula::Known(Some(true)),
        }
    }

    /// Which rows may be admitted at most, and have to be at least.
    fn bounds(&self) -> (Formula, Formula) {
        // Rows without a tenant of their own are the user's, whatever the tenant.
        let tenant = match self.scene.promise(self.table) {
            Some(promise) if promise.tenant.is_none() => Formula::Known(Some(true)),
            _ => Formula::Atom(TENANT),
        };
        let own = Formula::All(vec![tenant.clone(), Formula::Atom(OWNER)]);
        match self.rule {
            Rule::Any => (Formula::Known(Some(true)), Formula::Known(Some(true))),
            Rule::Deny => (Formula::Known(Some(false)), Formula::Known(Some(false))),
            Rule::Own if self.owner => (own.clone(), own),
            // Where an owner may hand a row on, a policy that does not allow it is no defect.
            Rule::Own => (tenant, own),
            Rule::Tenant => (Formula::Atom(TENANT), Formula::Atom(TENANT)),
            Rule::Within => (Formula::Atom(TENANT), Formula::Known(Some(false))),
        }
    }

    fn verdict(&self) -> Verdict {
        let mut translator = Translator::new(self.scene, self.table, self.role);
        let effective = self.effective(&mut translator).truth();
        let (most, least) = self.bounds();
        let atoms = &translator.atoms;
        let relations: Vec<&Relation> = translator.rows.iter().map(|row| row.relation).collect();
        let relations = relations.as_slice();
        let wider = Formula::All(vec![
            effective.clone(),
            most.truth().negated(),
            self.axiom(),
        ]);
        let narrower = Formula::All(vec![least.truth(), effective.negated(), self.axiom()]);
        let closed = |meaning: &Meaning| matches!(meaning, Meaning::Opaque(_) | Meaning::Member(_));
        // First without the help of what cannot be looked into.
        let open: Vec<_> = atoms
            .iter()
            .map(|meaning| closed(meaning).then_some(Some(false)))
            .collect();
        let free = vec![None; atoms.len()];
        match satisfy(&wider, open) {
            Search::Found(found) => {
                return Verdict::Wider(describe::assignment(self.scene, relations, atoms, &found));
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
                        members.push(describe::expr(self.scene, relations, expr))
                    }
                    Meaning::Opaque(expr) => {
                        opaque.push(describe::expr(self.scene, relations, expr))
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
                Verdict::Narrower(describe::assignment(self.scene, relations, atoms, &found))
            }
            Search::TooLong => {
                Verdict::NotProvable("a policy with more alternatives than can be tried".to_owned())
            }
            Search::None => Verdict::Proved,
        }
    }
}
