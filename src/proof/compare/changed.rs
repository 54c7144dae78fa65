//! Functions that do something else than before, and tables of which somebody sees something else: a policy that
//! asks them may admit other rows, though not a word of it changed.

use std::collections::BTreeSet;

use super::super::{Case, Side};
use crate::posture::expr::{Expr, Select};
use crate::posture::scene::Scene;
use crate::posture::{Function, Oid};
use crate::spec::access::Command;

/// What changed.
pub(super) struct Changed {
    pub(super) functions: BTreeSet<Oid>,
    relations: BTreeSet<Oid>,
}

/// What a function does, and as whom.
fn does(function: &Function) -> impl PartialEq {
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
}

impl Changed {
    /// What differs itself, and then what asks that.
    pub(super) fn between<'a>(before: &'a Scene<'a>, after: &'a Scene<'a>) -> Self {
        let mut changed = Self {
            functions: BTreeSet::new(),
            relations: BTreeSet::new(),
        };
        for function in &after.posture.functions {
            let old = before.function(function.oid);
            if old.is_some_and(|old| does(old) != does(function)) {
                changed.functions.insert(function.oid);
            }
        }
        for relation in &after.posture.relations {
            let Some(old) = before.relations.get(&relation.oid) else {
                continue;
            };
            let mut actors = after.actors().into_iter();
            let seen = |scene, table, role| {
                super::Comparison::case(scene, table, role, Command::Select, Side::Old).state()
            };
            let bound = (old.forced, &old.owner) != (relation.forced, &relation.owner);
            if bound || actors.any(|role| seen(before, old, role) != seen(after, relation, role)) {
                changed.relations.insert(relation.oid);
            }
        }
        while changed.spread(after) {}
        changed
    }

    /// Adds what asks something that changed. Shape: whether there was more.
    fn spread(&mut self, scene: &Scene<'_>) -> bool {
        let sizes = (self.functions.len(), self.relations.len());
        if sizes == (0, 0) {
            return false;
        }
        for function in &scene.posture.functions {
            let asks = match scene.body(function.oid) {
                Some(body) => self.in_select(&body),
                None => self.named(scene, function),
            };
            if asks && function.extension.is_none() {
                self.functions.insert(function.oid);
            }
        }
        for policy in &scene.posture.policies {
            if scene
                .sides(policy)
                .iter()
                .any(|(_, expr)| self.mentioned(expr))
            {
                self.relations.insert(policy.table);
            }
        }
        sizes != (self.functions.len(), self.relations.len())
    }

    /// Whether the text of a function that cannot be looked into has the name of a table that changed.
    fn named(&self, scene: &Scene<'_>, function: &Function) -> bool {
        let text = function.body.as_deref().unwrap_or_default();
        let mut relations = self.relations.iter();
        !text.is_empty()
            && relations.any(|oid| {
                let relation = scene.relations.get(oid);
                relation.is_some_and(|relation| text.contains(relation.name.as_str()))
            })
    }

    fn in_select(&self, select: &Select) -> bool {
        let tables = select.from.iter().flatten().any(|source| match source {
            crate::posture::expr::Source::Relation(oid) => self.relations.contains(oid),
            crate::posture::expr::Source::Function(_) => false,
        });
        tables || select.exprs().into_iter().any(|expr| self.mentioned(expr))
    }

    /// Whether an expression asks something that changed.
    pub(super) fn mentioned(&self, expr: &Expr) -> bool {
        let mut found = false;
        expr.walk(&mut |inner| {
            found |= match inner {
                Expr::Call(function, _) => self.functions.contains(function),
                Expr::SubSelect { query, .. } => {
                    let functions = query.functions.iter();
                    functions.clone().any(|oid| self.functions.contains(oid))
                        || query
                            .relations
                            .iter()
                            .any(|oid| self.relations.contains(oid))
                        || query
                            .select
                            .as_ref()
                            .is_some_and(|select| self.in_select(select))
                }
                _ => false,
            };
        });
        found
    }

    /// Whether a policy of the case asks something that changed.
    pub(super) fn decides(&self, case: &Case<'_>) -> bool {
        let scene = case.scene;
        let policies = scene.applying(case.table.oid, case.role, case.command);
        let mut trees = policies.iter().filter_map(|policy| case.tree(policy));
        trees.any(|md5| {
            scene
                .exprs
                .get(md5)
                .is_some_and(|expr| self.mentioned(expr))
        })
    }
}
