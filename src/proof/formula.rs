//! From a policy's expression to a formula: which parts mean "of the session's tenant", which mean
//! "of the session's user", which read the row or the session, and which nobody can look into.

use std::collections::BTreeMap;

use super::carrier::{self, Held, Way, carries};
use super::context::{Context, context};
use super::decide::Formula;
use crate::posture::expr::{ARRAY, Expr, GIVEN, SCALAR, Select, substitute};
use crate::posture::scene::Scene;
use crate::posture::{FIRST_USER_OID, Function, Relation, body};

/// What an atom stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The row is of the session's tenant.
    Tenant,
    /// The row is of the session's user.
    Owner,
    /// The session has none, and the row has this value, which then stands for it.
    Fallback(String),
    /// Something about the row or the session that PostgreSQL's own functions compute.
    Data(Expr),
    /// The tenant or user is among those that a sub-select gives.
    Member(Expr),
    /// A function or sub-select that cannot be looked into.
    Opaque(Expr),
}

/// A row that an expression speaks of: the policy's, or one that a sub-select finds.
pub(super) struct Row<'a> {
    pub(super) relation: &'a Relation,
    pub(super) tenant: Option<Way>,
    pub(super) owner: Option<Way>,
}

/// Translates the expressions of one table.
pub(super) struct Translator<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) role: &'a str,
    /// The rows spoken of; the first is the policy's.
    pub(super) rows: Vec<Row<'a>>,
    /// The SECURITY DEFINER function whose body is read.
    pub(super) definer: Option<&'a Function>,
    pub(super) depth: u32,
    /// What each atom stands for; 0 is the tenant, 1 the user.
    pub(super) atoms: Vec<Meaning>,
    seen: BTreeMap<Expr, usize>,
    /// Which rows a sub-select that was met before finds: met again, it finds the same.
    pub(super) found: BTreeMap<(Select, Option<Expr>), Vec<Option<usize>>>,
}

/// `boolean = boolean`. Source: `pg_operator.dat`.
const BOOLEAN_EQUAL: u32 = 91;
/// The tenant's atom.
pub(super) const TENANT: usize = 0;
/// The user's atom.
pub(super) const OWNER: usize = 1;
/// How deep functions and sub-selects may nest.
pub(super) const DEPTH_MAX: u32 = 12;

impl<'a> Translator<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, table: &'a Relation, role: &'a str) -> Self {
        let promise = scene.promise(table);
        let tenant = if scene.ontology.is_some() && scene.is_label(table.oid) {
            carrier::label(scene, table, Held::Atom(TENANT))
        } else {
            match promise {
                Some(promise) => promise
                    .tenant
                    .as_ref()
                    .map(|carried| Way::declared(table, carried, Held::Atom(TENANT))),
                None => scene
                    .tenant_column(table)
                    .map(|column| Way::new(table, &[], column, Held::Atom(TENANT))),
            }
        };
        let owner = promise
            .and_then(|promise| promise.owner.as_ref())
            .map(|carried| Way::declared(table, carried, Held::Atom(OWNER)));
        Self {
            scene,
            role,
            rows: vec![Row {
                relation: table,
                tenant,
                owner,
            }],
            definer: None,
            depth: 0,
            atoms: vec![Meaning::Tenant, Meaning::Owner],
            seen: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// Goes on in another scene of the same database. What `changed` says of an expression's value means
    /// something else there.
    pub(super) fn go_on(&mut self, scene: &'a Scene<'a>, changed: &dyn Fn(&Expr) -> bool) {
        self.scene = scene;
        self.seen.retain(|expr, _| !changed(expr));
    }

    /// The formula of a condition whose columns are rows' columns.
    pub(super) fn formula(&mut self, expr: &Expr) -> Formula {
        if let Some(value) = expr.as_bool() {
            return Formula::Known(value);
        }
        match expr {
            Expr::And(items) => Formula::All(self.all(items)),
            Expr::Or(items) => Formula::Any(self.all(items)),
            Expr::Not(inner) => self.formula(inner).negated(),
            Expr::Coalesce(items) => Formula::First(self.all(items)),
            Expr::IsOneOf { operand, truth } => {
                Formula::OneOf(Box::new(self.formula(operand)), *truth)
            }
            Expr::Case(branches, default) => {
                let branches = branches
                    .iter()
                    .map(|(when, then)| (self.formula(when), self.formula(then)))
                    .collect();
                Formula::Case(branches, Box::new(self.formula(default)))
            }
            Expr::IsNull { operand, null } => self.null_test(operand, *null, expr),
            Expr::Operator(operator, sides) if self.scene.equal.contains(operator) => {
                match self.identity(sides) {
                    Some((formula, _)) => formula,
                    None if *operator == BOOLEAN_EQUAL => self.agree(sides),
                    None => self.equals(sides).unwrap_or_else(|| self.atom(expr)),
                }
            }
            Expr::Operator(operator, sides) if self.scene.unequal.contains_key(operator) => {
                self.differs(self.scene.unequal[operator], sides, expr)
            }
            // x IS DISTINCT FROM context: never NULL, and on a NOT NULL column false exactly for the tenant's rows.
            Expr::Distinct(operator, sides) if self.scene.equal.contains(operator) => {
                match self.identity(sides) {
                    Some((formula, true)) => formula.truth().negated(),
                    _ => self.atom(expr),
                }
            }
            Expr::Quantified {
                operator,
                any: true,
                operands,
            } if self.scene.equal.contains(operator) => self
                .among_all(*operator, operands)
                .unwrap_or_else(|| self.atom(expr)),
            Expr::Call(function, arguments) => self
                .called(*function, arguments)
                .unwrap_or_else(|| self.atom(expr)),
            Expr::SubSelect { kind, test, query } => self
                .sub_select(*kind, test.as_deref(), query)
                .unwrap_or_else(|| self.atom(expr)),
            _ => self.atom(expr),
        }
    }

    /// `x <> y`, which is NOT (x = y), where the equality says something.
    fn differs(&mut self, equality: u32, sides: &[Expr], expr: &Expr) -> Formula {
        match self.identity(sides) {
            Some((formula, _)) => formula.negated(),
            None if equality == BOOLEAN_EQUAL => self.agree(sides).negated(),
            None => match self.equals(sides) {
                Some(formula) => formula.negated(),
                None => self.atom(expr),
            },
        }
    }

    /// Whether two conditions are both true or both false; NULL when one of them is.
    fn agree(&mut self, sides: &[Expr]) -> Formula {
        let both = self.all(sides);
        let neither = both.iter().cloned().map(Formula::negated).collect();
        Formula::Any(vec![Formula::All(both), Formula::All(neither)])
    }

    fn all(&mut self, items: &[Expr]) -> Vec<Formula> {
        items.iter().map(|item| self.formula(item)).collect()
    }

    /// What an expression means for one of the rows: whose it is, and whether its column is NOT NULL.
    pub(super) fn holder(&self, expr: &Expr, owner: bool) -> Option<(usize, Held, bool)> {
        self.rows.iter().enumerate().find_map(|(at, row)| {
            let way = if owner { &row.owner } else { &row.tenant };
            let way = way.as_ref()?;
            let not_null = carries(way.carrier.as_ref()?, at, expr)?;
            Some((at, way.held, not_null))
        })
    }

    /// Whether a setting is the tenant's (false) or the user's (true).
    pub(super) fn whose(&self, setting: &str) -> Option<bool> {
        // PostgreSQL takes settings' names in any case.
        let is = |own: &Option<String>| {
            own.as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(setting))
        };
        if is(&self.scene.tenant_setting) {
            return Some(false);
        }
        is(&self.scene.user_setting).then_some(true)
    }

    /// Which identity an equality states, and whether its column is NOT NULL.
    fn identity(&mut self, sides: &[Expr]) -> Option<(Formula, bool)> {
        let [left, right] = sides else { return None };
        for (column, value) in [(left, right), (right, left)] {
            let Some(Context { setting, fallback }) = context(self.scene, value) else {
                continue;
            };
            let found = self
                .whose(&setting)
                .and_then(|owner| self.holder(column, owner));
            let Some((row, held, not_null)) = found else {
                continue;
            };
            let stand_in = fallback.and_then(|fallback| {
                let id = fallback.as_id()?;
                let (_, number) = carrier::column_of(column.bare())?;
                let kept_out = self.scene.never(self.rows[row].relation, number, &id);
                (!kept_out).then_some(id)
            });
            let formula = match stand_in {
                Some(id) => {
                    self.atoms.push(Meaning::Fallback(id));
                    let atom = Formula::Atom(self.atoms.len() - 1);
                    Formula::Any(vec![held.formula(), atom])
                }
                None => held.formula(),
            };
            return Some((formula, not_null));
        }
        None
    }

    /// An equality with what a sub-select or a function's query gives.
    fn equals(&mut self, sides: &[Expr]) -> Option<Formula> {
        let [left, right] = sides else { return None };
        for (value, given) in [(left, right), (right, left)] {
            let before = self.definer;
            if let Some(Expr::SubSelect {
                kind: SCALAR,
                query,
                ..
            }) = self.expanded(given)
            {
                let found = query.select.and_then(|select| self.among(value, &select));
                self.definer = before;
                if found.is_some() {
                    return found;
                }
            }
            self.definer = before;
        }
        None
    }

    /// `x = ANY (array)`.
    fn among_all(&mut self, operator: u32, operands: &[Expr]) -> Option<Formula> {
        let [value, array] = operands else {
            return None;
        };
        if let Expr::Items(items) = array.bare() {
            let each = |item: &Expr| Expr::Operator(operator, vec![value.clone(), item.clone()]);
            let all: Vec<Formula> = items.iter().map(|item| self.formula(&each(item))).collect();
            return Some(Formula::Any(all));
        }
        let before = self.definer;
        let found = match self.expanded(array) {
            Some(Expr::SubSelect {
                kind: ARRAY, query, ..
            }) => query.select.and_then(|select| self.among(value, &select)),
            _ => None,
        };
        self.definer = before;
        found
    }

    /// A value with calls of functions that can be looked into put in place; `definer` tells whose body it is.
    pub(super) fn expanded(&mut self, expr: &Expr) -> Option<Expr> {
        match expr.bare() {
            Expr::Call(function, arguments) => {
                let select = self.scene.body(*function)?;
                let called = self.scene.function(*function)?;
                let value = substitute(&body::value((*select).clone())?, arguments)?;
                (!called.returns_set).then_some(())?;
                if called.definer {
                    self.definer = Some(called);
                }
                Some(value)
            }
            other => Some(other.clone()),
        }
    }

    /// What a function's call means, when the function can be looked into.
    fn called(&mut self, function: u32, arguments: &[Expr]) -> Option<Formula> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        let strict = self.scene.function(function)?.strict;
        let before = self.definer;
        let value = self.expanded(&Expr::Call(function, arguments.to_vec()));
        self.depth += 1;
        let formula = value.map(|value| self.formula(&value));
        self.depth -= 1;
        self.definer = before;
        // A STRICT function gives NULL when an argument is.
        match strict && !arguments.is_empty() {
            true => {
                let null = Expr::IsNull {
                    operand: Box::new(Expr::Items(arguments.to_vec())),
                    null: true,
                };
                let null = self.atom(&null).truth();
                formula.map(|formula| {
                    Formula::Case(vec![(null, Formula::Known(None))], Box::new(formula))
                })
            }
            false => formula,
        }
    }

    /// x IS NULL. The tenant's column and setting are not NULL in a row of the session's tenant.
    fn null_test(&mut self, operand: &Expr, null: bool, whole: &Expr) -> Formula {
        let setting = context(self.scene, operand)
            .filter(|context| context.fallback.is_none())
            .and_then(|context| self.whose(&context.setting));
        let held = match setting {
            Some(owner) => Some((Held::Atom(if owner { OWNER } else { TENANT }), false)),
            None => [false, true]
                .into_iter()
                .find_map(|owner| self.holder(operand, owner))
                .map(|(_, held, not_null)| (held, not_null)),
        };
        let Some((held, never)) = held else {
            return self.atom(whole);
        };
        let positive = Expr::IsNull {
            operand: Box::new(operand.clone()),
            null: true,
        };
        let is_null = match never {
            true => Formula::Known(Some(false)),
            false => {
                let free = self.atom(&positive).truth();
                Formula::All(vec![held.formula().truth().negated(), free])
            }
        };
        if null { is_null } else { is_null.negated() }
    }

    /// The atom of an expression; equal expressions are one atom.
    pub(super) fn atom(&mut self, expr: &Expr) -> Formula {
        if let Some(atom) = self.seen.get(expr) {
            return self.plain(*atom, expr);
        }
        let mut closed = false;
        expr.walk(&mut |inner| {
            closed |= match inner {
                Expr::SubSelect { .. } | Expr::Other(_) => true,
                Expr::Call(function, _) => *function >= FIRST_USER_OID,
                Expr::Operator(operator, _) | Expr::Distinct(operator, _) => {
                    *operator >= FIRST_USER_OID
                }
                _ => false,
            };
        });
        let meaning = match closed {
            true if self.member(expr) => Meaning::Member(expr.clone()),
            true => Meaning::Opaque(expr.clone()),
            false => Meaning::Data(expr.clone()),
        };
        self.atoms.push(meaning);
        self.seen.insert(expr.clone(), self.atoms.len() - 1);
        self.plain(self.atoms.len() - 1, expr)
    }

    /// Whether an expression is never NULL.
    pub(super) fn known(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(_, value) => value.is_some(),
            Expr::Column { outer: GIVEN, .. } => {
                carrier::column_of(expr).is_some_and(|(row, number)| {
                    let columns = self
                        .rows
                        .get(row)
                        .map_or(&[][..], |row| &row.relation.columns);
                    columns
                        .iter()
                        .any(|column| column.number == number && column.not_null)
                })
            }
            Expr::Cast(_, inner) => self.known(inner),
            _ => false,
        }
    }

    /// A comparison by an equality of PostgreSQL's own is never NULL between what is never NULL.
    fn plain(&self, atom: usize, expr: &Expr) -> Formula {
        let two_valued = matches!(expr, Expr::Operator(operator, sides)
            if self.scene.equal.contains(operator) && sides.iter().all(|side| self.known(side)));
        match two_valued {
            true => Formula::Atom(atom).truth(),
            false => Formula::Atom(atom),
        }
    }

    /// Whether the expression asks if the row's tenant is among those that a sub-select gives.
    fn member(&self, expr: &Expr) -> bool {
        let tenant = |side: &Expr| self.holder(side, false).is_some();
        match expr {
            Expr::SubSelect {
                test: Some(test), ..
            } => {
                matches!(&**test, Expr::Operator(operator, sides) if self.scene.equal.contains(operator) && sides.iter().any(tenant))
            }
            Expr::Quantified {
                operator,
                any: true,
                operands,
            } => {
                self.scene.equal.contains(operator)
                    && operands.first().is_some_and(tenant)
                    && matches!(operands.get(1), Some(Expr::SubSelect { .. }))
            }
            _ => false,
        }
    }
}
