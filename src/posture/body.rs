//! What a function gives, as an expression: from its parsed body where it has one, else from its text.

use super::expr::{self, ANY, Expr, Query, SCALAR, Select};
use super::tree::{self, Node};
use super::{Function, Posture, text};

/// The function's one query, parameters in it. Shape: nothing when it does anything else, or when its
/// text could mean another thing in another session.
pub fn body(posture: &Posture, function: &Function) -> Option<Select> {
    if !plain(function) {
        return None;
    }
    match (&function.tree, function.language.as_str()) {
        (Some(parsed), _) => of_tree(parsed),
        (None, "sql" | "plpgsql") => text::body(posture, function),
        _ => None,
    }
}

/// The body as one value: what a call of a function that returns no set stands for.
pub fn value(select: Select) -> Option<Expr> {
    if select.from.is_empty() && select.conditions.is_empty() {
        let [target] = select.targets.as_slice() else {
            return None;
        };
        return Some(target.clone());
    }
    Some(sub_select(SCALAR, None, select))
}

/// A sub-select that was not read from a tree.
pub fn sub_select(kind: i64, test: Option<Expr>, select: Select) -> Expr {
    let relations = select
        .from
        .iter()
        .flatten()
        .filter_map(|source| match source {
            expr::Source::Relation(oid) => Some(*oid),
            expr::Source::Function(_) => None,
        });
    Expr::SubSelect {
        kind,
        test: test.map(Box::new),
        query: Box::new(Query {
            node: Node::Word(String::new()),
            relations: relations.collect(),
            functions: Vec::new(),
            operators: Vec::new(),
            select: Some(select),
        }),
    }
}

/// `x IN (query)`; the compared value's place is a parameter in `test`.
pub(super) fn among(test: Expr, select: Select) -> Expr {
    sub_select(ANY, Some(test), select)
}

/// Whether a call's result depends on its arguments, the settings and the rows alone.
fn plain(function: &Function) -> bool {
    // A setting of the function's own could be the context itself.
    let pinned = function
        .settings
        .iter()
        .all(|setting| setting.starts_with("search_path="));
    matches!(function.volatility, 's' | 'i') && !function.leakproof && pinned
}

fn of_tree(text: &str) -> Option<Select> {
    let parsed = tree::parse(text)?;
    let mut node = &parsed;
    while let Node::List(items) = node {
        let [only] = items.as_slice() else {
            return None;
        };
        node = only;
    }
    if node.tag() == "QUERY" {
        return expr::select(node);
    }
    None
}
