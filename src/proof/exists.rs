//! Sub-selects: which rows they find, and what these have to do with the policy's row.
//!
//! A row is found by a key that another row refers to it by, or as the session's own membership. What
//! carries the tenant is followed from row to row; any other sub-select stays an atom.

use std::collections::BTreeSet;

use super::carrier::{Held, Way, column_of};
use super::context::context;
use super::decide::Formula;
use super::formula::{DEPTH_MAX, Row, TENANT, Translator};
use crate::posture::body::sub_select;
use crate::posture::expr::{ANY, EXISTS, Expr, Query, SCALAR, Select, Source, place, substitute};
use crate::posture::tree::Node;
use crate::spec::access::Command;

impl<'a> Translator<'a> {
    /// The formula of a sub-select. Shape: nothing when it is not understood.
    pub(super) fn sub_select(
        &mut self,
        kind: i64,
        test: Option<&Expr>,
        query: &Query,
    ) -> Option<Formula> {
        let select = query.select.as_ref()?;
        match kind {
            EXISTS => self.exists(select, None).map(Formula::truth),
            ANY => {
                let Expr::Operator(operator, sides) = test? else {
                    return None;
                };
                let own =
                    |side: &Expr| matches!(side.bare(), Expr::Other(node) if node.tag() == "PARAM");
                let value = match sides.as_slice() {
                    [value, given] if own(given) => value,
                    [given, value] if own(given) => value,
                    _ => return None,
                };
                self.scene
                    .equal
                    .contains(operator)
                    .then(|| self.among(value, select))
                    .flatten()
            }
            SCALAR if select.from.is_empty() && select.conditions.is_empty() => {
                let [target] = select.targets.as_slice() else {
                    return None;
                };
                Some(self.formula(target))
            }
            _ => None,
        }
    }

    /// Whether a value is among what a query gives: NULL at most where it is not.
    pub(super) fn among(&mut self, value: &Expr, select: &Select) -> Option<Formula> {
        let before = self.definer;
        let set = self.set(select)?;
        let found = self.exists(&set, Some(value));
        self.definer = before;
        let found = found?.truth();
        if self.known(value) && set.from.is_empty() {
            return Some(found);
        }
        let null = Expr::IsNull {
            operand: Box::new(value.clone()),
            null: true,
        };
        let null = self.atom(&Expr::Items(vec![null])).truth();
        let otherwise = Formula::Case(
            vec![(null, Formula::Known(None))],
            Box::new(Formula::Known(Some(false))),
        );
        Some(Formula::Case(
            vec![(found, Formula::Known(Some(true)))],
            Box::new(otherwise),
        ))
    }

    /// The query that gives a set: this one, or that of the function it calls for it.
    fn set(&mut self, select: &Select) -> Option<Select> {
        let call = match (select.from.as_slice(), select.targets.as_slice()) {
            ([], [Expr::Call(function, arguments)]) => (*function, arguments),
            (
                [Some(Source::Function(Expr::Call(function, arguments)))],
                [
                    Expr::Column {
                        number: 1,
                        outer: 0,
                        ..
                    },
                ],
            ) => (*function, arguments),
            _ => return Some(select.clone()),
        };
        if !select.conditions.is_empty() {
            return None;
        }
        let called = self.scene.function(call.0)?;
        if !called.returns_set {
            return Some(select.clone());
        }
        let inner = self.scene.body(call.0)?;
        let whole = sub_select(EXISTS, None, (*inner).clone());
        if called.definer {
            self.definer = Some(called);
        }
        match substitute(&whole, call.1)? {
            Expr::SubSelect { query, .. } => query.select,
            _ => None,
        }
    }

    /// Whether the query finds a row, and one that gives `value` if that is asked.
    fn exists(&mut self, select: &Select, value: Option<&Expr>) -> Option<Formula> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        let key = (select.clone(), value.cloned());
        let known = self.found.get(&key).cloned();
        let mut places = Vec::new();
        let mut open = BTreeSet::new();
        for (nth, source) in select.from.iter().enumerate() {
            let Some(Source::Relation(oid)) = source else {
                source.is_none().then_some(())?;
                places.push(None);
                continue;
            };
            let relation = *self
                .scene
                .relations
                .get(oid)
                .filter(|relation| relation.is_table())?;
            let row = Row {
                relation,
                tenant: None,
                owner: None,
            };
            let at = match known.as_ref().and_then(|places| places[nth]) {
                Some(at) => {
                    self.rows[at] = row;
                    at
                }
                None => {
                    self.rows.push(row);
                    self.rows.len() - 1
                }
            };
            open.insert(at);
            places.push(Some(at));
        }
        self.found.insert(key, places.clone());
        let found: Vec<usize> = open.iter().copied().collect();
        let mut parts = Vec::new();
        for condition in &select.conditions {
            flat(place(condition, &places)?, &mut parts);
        }
        if let Some(value) = value {
            let [target] = select.targets.as_slice() else {
                return None;
            };
            let equal = *self.scene.equal.first()?;
            parts.push(Expr::Operator(
                equal,
                vec![value.clone(), place(target, &places)?],
            ));
        }
        let mut facts = Vec::new();
        while self.as_member(&mut open, &mut parts, &mut facts)
            || self.by_key(&mut open, &mut parts, &mut facts)
        {}
        if !open.is_empty() {
            return None;
        }
        self.depth += 1;
        for row in found {
            facts.extend(self.row_security(row));
        }
        for part in parts {
            let formula = self.formula(&part);
            facts.push(formula);
        }
        self.depth -= 1;
        Some(Formula::All(facts))
    }

    /// The two sides of an equality, in both orders.
    fn sides(&self, part: &Expr) -> Vec<(Expr, Expr)> {
        match part {
            Expr::Operator(operator, sides) if self.scene.equal.contains(operator) => match sides
                .as_slice()
            {
                [left, right] => vec![(left.clone(), right.clone()), (right.clone(), left.clone())],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Finds the row that makes the session's user a member of the row's tenant.
    fn as_member(
        &mut self,
        open: &mut BTreeSet<usize>,
        parts: &mut Vec<Expr>,
        facts: &mut Vec<Formula>,
    ) -> bool {
        let Some((members, membership)) = self.scene.members() else {
            return false;
        };
        let number = |name: &str| members.column(name).map(|column| column.number);
        let (Some(tenant), Some(user)) = (number(&membership.tenant), number(&membership.user))
        else {
            return false;
        };
        for row in open.clone() {
            if self.rows[row].relation.oid != members.oid {
                continue;
            }
            let is = |expr: &Expr, number: i32| column_of(expr.bare()) == Some((row, number));
            let of_tenant = parts.iter().position(|part| {
                let held = |value: &Expr| self.holder(value, false).map(|(_, held, _)| held);
                self.sides(part).iter().any(|(column, value)| {
                    is(column, tenant) && held(value) == Some(Held::Atom(TENANT))
                })
            });
            let of_user = parts.iter().position(|part| {
                let session = |value: &Expr| {
                    context(self.scene, value).is_some_and(|read| {
                        read.fallback.is_none() && self.whose(&read.setting) == Some(true)
                    })
                };
                self.sides(part)
                    .iter()
                    .any(|(column, value)| is(column, user) && session(value))
            });
            if let (Some(first), Some(second)) = (of_tenant, of_user) {
                for at in [first.max(second), first.min(second)] {
                    parts.remove(at);
                }
                open.remove(&row);
                facts.push(Formula::Atom(TENANT));
                self.rows[row].tenant = Some(Way::new(
                    members,
                    &[],
                    &membership.tenant,
                    Held::Atom(TENANT),
                ));
                self.rows[row].owner = Some(Way::new(members, &[], &membership.user, Held::Always));
                return true;
            }
        }
        false
    }

    /// Finds a row by a unique column that is compared with something known.
    fn by_key(
        &mut self,
        open: &mut BTreeSet<usize>,
        parts: &mut Vec<Expr>,
        facts: &mut Vec<Formula>,
    ) -> bool {
        // What a row refers to says more than what happens to be unique.
        let orders = [true, false].into_iter();
        for (referred, at) in
            orders.flat_map(|referred| (0..parts.len()).map(move |at| (referred, at)))
        {
            for (column, value) in self.sides(&parts[at]) {
                let Some((row, number)) = column_of(column.bare()) else {
                    continue;
                };
                if column_of(value.bare()).is_none() == referred {
                    continue;
                }
                let unique = open.contains(&row)
                    && self
                        .scene
                        .unique
                        .contains(&(self.rows[row].relation.oid, number));
                if !unique || mentions(&value, open) {
                    continue;
                }
                let part = parts.remove(at);
                open.remove(&row);
                if !self.follow(row, number, &value) {
                    // Nothing says that there is such a row.
                    let there = self.atom(&part).truth();
                    facts.push(there);
                }
                return true;
            }
        }
        false
    }

    /// Takes over what the found row has to do with tenant and user. Shape: whether there is such a row
    /// wherever it matters.
    fn follow(&mut self, row: usize, number: i32, value: &Expr) -> bool {
        let relation = self.rows[row].relation;
        let key = relation
            .columns
            .iter()
            .find(|column| column.number == number);
        let key = key.map(|column| column.name.clone()).unwrap_or_default();
        // What equals a carrier is one.
        if let Some((_, held, _)) = self.holder(value, false) {
            self.rows[row].tenant = Some(Way::new(relation, &[], &key, held));
        }
        if let Some((_, held, _)) = self.holder(value, true) {
            self.rows[row].owner = Some(Way::new(relation, &[], &key, held));
        }
        let Some((from, referring)) = column_of(value.bare()) else {
            return false;
        };
        let source = self.rows[from].relation;
        let Some(column) = source
            .columns
            .iter()
            .find(|column| column.number == referring)
        else {
            return false;
        };
        let mut there = false;
        for foreign in self.scene.keys(source.oid) {
            let pairs: Vec<(i32, i32)> = foreign
                .columns
                .iter()
                .copied()
                .zip(foreign.target_columns.iter().copied())
                .collect();
            if foreign.target != relation.oid || !pairs.contains(&(referring, number)) {
                continue;
            }
            there |= foreign.validated && foreign.enabled && column.not_null;
            let on =
                |way: &Option<Way>| way.as_ref().and_then(|way| way.on(&column.name, relation));
            if let Some(way) = on(&self.rows[from].tenant) {
                self.rows[row].tenant = Some(way);
                there = true;
            }
            if let Some(way) = on(&self.rows[from].owner) {
                self.rows[row].owner = Some(way);
                there = true;
            }
            // A key with the tenant in it refers to rows of the same tenant alone.
            let same = |number: Option<i32>, target: Option<i32>| {
                number.zip(target).is_some_and(|pair| pairs.contains(&pair))
            };
            if same(
                self.scene.tenant_number(source),
                self.scene.tenant_number(relation),
            ) && foreign.validated
                && foreign.enabled
                && let (Some(way), Some(name)) =
                    (&self.rows[from].tenant, self.scene.tenant_column(relation))
            {
                self.rows[row].tenant = Some(Way::new(relation, &[], name, way.held));
            }
        }
        there
    }

    /// What the policies of a table that a sub-select reads say of the row it finds.
    fn row_security(&mut self, row: usize) -> Option<Formula> {
        let relation = self.rows[row].relation;
        if !relation.secured {
            return None;
        }
        if let Some(function) = self.definer {
            let free =
                function.owner_bypasses || relation.owner == function.owner && !relation.forced;
            return match free {
                true => None,
                // Which policies bind the function's owner is not asked here.
                false => Some(self.atom(&Expr::Call(function.oid, Vec::new()))),
            };
        }
        if self.depth >= DEPTH_MAX {
            return Some(self.atom(&Expr::Other(Node::Word(relation.full_name()))));
        }
        let (mut any, mut every) = (Vec::new(), Vec::new());
        for policy in self
            .scene
            .applying(relation.oid, self.role, Command::Select)
        {
            let expr = policy
                .using_tree
                .as_deref()
                .map(|md5| self.scene.exprs.get(md5));
            let formula = match expr {
                None => Formula::Known(Some(true)),
                Some(expr) => match expr.and_then(|expr| place(expr, &[Some(row)])) {
                    Some(placed) => self.formula(&placed),
                    None => self.atom(&Expr::Other(Node::Word(policy.name.clone()))),
                },
            };
            if policy.permissive {
                any.push(formula);
            } else {
                every.push(formula);
            }
        }
        every.push(Formula::Any(any));
        Some(Formula::All(every).truth())
    }
}

/// The parts of a conjunction.
fn flat(expr: Expr, parts: &mut Vec<Expr>) {
    match expr {
        Expr::And(items) => items.into_iter().for_each(|item| flat(item, parts)),
        other => parts.push(other),
    }
}

/// Whether an expression speaks of one of the rows.
fn mentions(expr: &Expr, rows: &BTreeSet<usize>) -> bool {
    let mut found = false;
    expr.walk(&mut |inner| {
        found |= column_of(inner).is_some_and(|(row, _)| rows.contains(&row));
        if let Expr::SubSelect { query, .. } = inner {
            let inside = query.select.iter().flat_map(Select::exprs);
            found |=
                inside.into_iter().any(|inner| mentions(inner, rows)) || query.select.is_none();
        }
    });
    found
}
