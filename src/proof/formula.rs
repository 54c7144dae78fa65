//! From a policy's expression to a formula: which parts mean "of the session's tenant", which mean
//! "of the session's user", which read the row or the session, and which nobody can look into.

use std::collections::{BTreeMap, BTreeSet};

use super::carrier::{Carrier, carries};
use super::context;
use super::decide::Formula;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;
use crate::posture::{FIRST_USER_OID, Oid, Relation};

/// What an atom stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The row is of the session's tenant.
    Tenant,
    /// The row is of the session's user.
    Owner,
    /// Something about the row or the session that PostgreSQL's own functions compute.
    Data(Expr),
    /// The tenant or user is among those that a sub-select gives.
    Member(Expr),
    /// A function or sub-select that cannot be looked into.
    Opaque(Expr),
}

/// Translates the expressions of one table.
pub(super) struct Translator<'a> {
    scene: &'a Scene<'a>,
    tenant: Option<Carrier>,
    owner: Option<Carrier>,
    equal: &'a BTreeSet<Oid>,
    never_null: BTreeSet<i32>,
    /// What each atom stands for; 0 is the tenant, 1 the user.
    pub(super) atoms: Vec<Meaning>,
    seen: BTreeMap<Expr, usize>,
}

/// The tenant's atom.
pub(super) const TENANT: usize = 0;
/// The user's atom.
pub(super) const OWNER: usize = 1;

impl<'a> Translator<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, table: &Relation, equal: &'a BTreeSet<Oid>) -> Self {
        let column = |name: Option<&str>| {
            let column = table.column(name?)?;
            Some(Carrier::Column {
                number: column.number,
                not_null: column.not_null,
                type_oid: column.type_oid,
            })
        };
        let tenant = match scene.ontology {
            Some(ontology) if scene.is_label(table.oid) => {
                table.column("properties").map(|column| Carrier::Property {
                    number: column.number,
                    key: ontology.tenant_property.clone(),
                    operators: scene
                        .posture
                        .facts("operator")
                        .filter(|fact| fact.subject == "ag_catalog" && fact.text.contains("->>("))
                        .map(|fact| fact.oid)
                        .collect(),
                })
            }
            _ => column(scene.tenant_column(table)),
        };
        let owner = column(
            scene
                .promise(table)
                .and_then(|promise| promise.owner.as_deref()),
        );
        Self {
            scene,
            tenant,
            owner,
            equal,
            never_null: table
                .columns
                .iter()
                .filter(|column| column.not_null)
                .map(|column| column.number)
                .collect(),
            atoms: vec![Meaning::Tenant, Meaning::Owner],
            seen: BTreeMap::new(),
        }
    }

    /// The formula of a condition.
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
            Expr::Operator(operator, sides) if self.equal.contains(operator) => {
                match self.identity(sides) {
                    Some((atom, _)) => Formula::Atom(atom),
                    None => self.atom(expr),
                }
            }
            // x IS DISTINCT FROM context: never NULL, and on a NOT NULL column false exactly for the tenant's rows.
            Expr::Distinct(operator, sides) if self.equal.contains(operator) => {
                match self.identity(sides) {
                    Some((atom, true)) => Formula::Atom(atom).truth().negated(),
                    _ => self.atom(expr),
                }
            }
            Expr::Quantified {
                operator,
                any: true,
                operands,
            } if self.equal.contains(operator) => {
                let sides: Option<Vec<Expr>> = match operands.as_slice() {
                    [left, Expr::Items(items)] if items.len() == 1 => {
                        Some(vec![left.clone(), items[0].clone()])
                    }
                    _ => None,
                };
                match sides.and_then(|sides| self.identity(&sides)) {
                    Some((atom, _)) => Formula::Atom(atom),
                    None => self.atom(expr),
                }
            }
            Expr::Call(function, arguments) => match self.inlined(*function, arguments) {
                Some(body) => self.formula(&body),
                None => self.atom(expr),
            },
            _ => self.atom(expr),
        }
    }

    fn all(&mut self, items: &[Expr]) -> Vec<Formula> {
        items.iter().map(|item| self.formula(item)).collect()
    }

    /// Which identity an equality states, and whether its column is NOT NULL.
    fn identity(&self, sides: &[Expr]) -> Option<(usize, bool)> {
        let [left, right] = sides else { return None };
        [(left, right), (right, left)]
            .into_iter()
            .find_map(|(column, value)| {
                let setting = context::setting(self.scene, value)?;
                let carried = |carrier: &Option<Carrier>| {
                    carrier
                        .as_ref()
                        .and_then(|carrier| carries(carrier, column))
                };
                if Some(&setting) == self.scene.tenant_setting.as_ref() {
                    return Some((TENANT, carried(&self.tenant)?));
                }
                (Some(&setting) == self.scene.user_setting.as_ref())
                    .then(|| Some((OWNER, carried(&self.owner)?)))
                    .flatten()
            })
    }

    /// x IS NULL. The tenant's column and setting are not NULL in a row of the session's tenant.
    fn null_test(&mut self, operand: &Expr, null: bool, whole: &Expr) -> Formula {
        let setting = context::setting(self.scene, operand);
        let column = |carrier: &Option<Carrier>| {
            carrier
                .as_ref()
                .and_then(|carrier| carries(carrier, operand))
        };
        let (atom, never) = if setting.is_some() && setting == self.scene.tenant_setting {
            (TENANT, false)
        } else if setting.is_some() && setting == self.scene.user_setting {
            (OWNER, false)
        } else if let Some(not_null) = column(&self.tenant) {
            (TENANT, not_null)
        } else if let Some(not_null) = column(&self.owner) {
            (OWNER, not_null)
        } else {
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
                Formula::All(vec![Formula::Atom(atom).truth().negated(), free])
            }
        };
        if null { is_null } else { is_null.negated() }
    }

    /// The atom of an expression; equal expressions are one atom.
    fn atom(&mut self, expr: &Expr) -> Formula {
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

    /// A comparison by an equality of PostgreSQL's own is never NULL between what is never NULL.
    fn plain(&self, atom: usize, expr: &Expr) -> Formula {
        fn known(expr: &Expr, never_null: &BTreeSet<i32>) -> bool {
            match expr {
                Expr::Const(_, value) => value.is_some(),
                Expr::Column { number, outer: 0 } => never_null.contains(number),
                Expr::Cast(_, inner) => known(inner, never_null),
                _ => false,
            }
        }
        let two_valued = matches!(expr, Expr::Operator(operator, sides)
            if self.equal.contains(operator) && sides.iter().all(|side| known(side, &self.never_null)));
        match two_valued {
            true => Formula::Atom(atom).truth(),
            false => Formula::Atom(atom),
        }
    }

    /// Whether the expression asks if the row's tenant is among those that a sub-select gives.
    fn member(&self, expr: &Expr) -> bool {
        let tenant = |side: &Expr| {
            self.tenant
                .as_ref()
                .is_some_and(|carrier| carries(carrier, side).is_some())
        };
        match expr {
            Expr::SubSelect {
                test: Some(test), ..
            } => {
                matches!(&**test, Expr::Operator(operator, sides) if self.equal.contains(operator) && sides.iter().any(tenant))
            }
            Expr::Quantified {
                operator,
                any: true,
                operands,
            } => {
                self.equal.contains(operator)
                    && operands.first().is_some_and(tenant)
                    && matches!(operands.get(1), Some(Expr::SubSelect { .. }))
            }
            _ => false,
        }
    }

    /// The body of a STABLE, SECURITY INVOKER function with a parsed body, its arguments put in.
    fn inlined(&self, function: Oid, arguments: &[Expr]) -> Option<Expr> {
        let function = self.scene.posture.function(function)?;
        let safe = !function.definer && function.volatility != 'v' && !function.returns_set;
        let body = context::body(function.tree.as_deref().filter(|_| safe)?)?;
        super::inline::substitute(&body, arguments)
    }
}
