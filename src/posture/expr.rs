//! An expression of a policy, read from its node tree. Every operator, function and type is the id
//! that PostgreSQL resolved, so no look-alike in another schema can be mistaken for it.

mod query;
mod read;
mod rewrite;

pub use query::{Select, Source, select};
pub use read::read;
pub use rewrite::{GIVEN, place, substitute};

use std::collections::BTreeSet;

use super::Oid;
use super::tree::Node;

/// An expression.
#[expect(
    missing_docs,
    reason = "the fields are named as PostgreSQL's node structs name them"
)]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expr {
    /// A constant; `None` is NULL, otherwise the bytes as they are stored.
    Const(Oid, Option<Vec<u8>>),
    /// A column of the policy's own table, or of the `from`-th table of a query further in: `outer` queries
    /// further out than where it stands.
    Column { number: i32, from: i64, outer: i64 },
    /// AND.
    And(Vec<Expr>),
    /// OR.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// An operator's call.
    Operator(Oid, Vec<Expr>),
    /// IS DISTINCT FROM, by an operator.
    Distinct(Oid, Vec<Expr>),
    /// NULLIF, by an operator.
    NullIf(Oid, Vec<Expr>),
    /// A function's call.
    Call(Oid, Vec<Expr>),
    /// `x op ANY (…)`, or ALL when `any` is false.
    Quantified {
        operator: Oid,
        any: bool,
        operands: Vec<Expr>,
    },
    /// COALESCE.
    Coalesce(Vec<Expr>),
    /// IS NULL, or IS NOT NULL when `null` is false.
    IsNull { operand: Box<Expr>, null: bool },
    /// IS TRUE, IS NOT FALSE …: which of true, false and null make it true.
    IsOneOf {
        operand: Box<Expr>,
        truth: [bool; 3],
    },
    /// A cast that PostgreSQL's own functions do, to a type.
    Cast(Oid, Box<Expr>),
    /// CASE WHEN … END.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    /// ARRAY[…] or ROW(…).
    Items(Vec<Expr>),
    /// A sub-select: its kind (`SubLinkType`), the expression compared, and its query.
    SubSelect {
        kind: i64,
        test: Option<Box<Expr>>,
        query: Box<Query>,
    },
    /// CURRENT_USER and its like.
    Session(i64),
    /// Anything else; it is never interpreted.
    Other(Node),
}

/// A sub-select's query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Query {
    /// The whole of it; empty when it comes from a function's text.
    pub node: Node,
    /// The relations it reads.
    pub relations: Vec<Oid>,
    /// The functions it calls.
    pub functions: Vec<Oid>,
    /// The operators it compares with.
    pub operators: Vec<Oid>,
    /// What it is, when it only joins and filters.
    pub select: Option<Select>,
}

/// `EXISTS (…)`. Source: `SubLinkType`.
pub const EXISTS: i64 = 0;
/// `x = ANY (…)`.
pub const ANY: i64 = 2;
/// One value.
pub const SCALAR: i64 = 4;
/// `ARRAY (…)`.
pub const ARRAY: i64 = 6;

/// `boolean`. Source: `pg_type.dat`.
pub const BOOL: Oid = 16;

/// Whether a struct with this tag stands anywhere in the tree.
pub fn mentions(node: &Node, tag: &str) -> bool {
    node.tag() == tag
        || match node {
            Node::Struct(_, fields) => fields
                .iter()
                .flat_map(|(_, values)| values)
                .any(|v| mentions(v, tag)),
            Node::List(items) => items.iter().any(|item| mentions(item, tag)),
            _ => false,
        }
}

/// The ids that a field of structs has, anywhere in the tree: `relid`, `funcid`, `opno`.
pub fn ids(node: &Node, field: &str, found: &mut Vec<Oid>) {
    let id = node.number(field).and_then(|n| Oid::try_from(n).ok());
    found.extend(id.filter(|oid| *oid > 0));
    match node {
        Node::Struct(_, fields) => fields
            .iter()
            .flat_map(|(_, values)| values)
            .for_each(|v| ids(v, field, found)),
        Node::List(items) => items.iter().for_each(|item| ids(item, field, found)),
        _ => {}
    }
}

impl Expr {
    /// Calls `visit` on this expression and all below it; queries of sub-selects are not entered.
    pub fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::And(items) | Self::Or(items) | Self::Coalesce(items) | Self::Items(items) => {
                items.iter().for_each(|item| item.walk(visit));
            }
            Self::Operator(_, items)
            | Self::Distinct(_, items)
            | Self::NullIf(_, items)
            | Self::Call(_, items) => {
                items.iter().for_each(|item| item.walk(visit));
            }
            Self::Quantified { operands, .. } => operands.iter().for_each(|item| item.walk(visit)),
            Self::Not(inner) | Self::Cast(_, inner) => inner.walk(visit),
            Self::IsNull { operand, .. } | Self::IsOneOf { operand, .. } => operand.walk(visit),
            Self::Case(branches, default) => {
                for (when, then) in branches {
                    when.walk(visit);
                    then.walk(visit);
                }
                default.walk(visit);
            }
            Self::SubSelect {
                test: Some(test), ..
            } => test.walk(visit),
            _ => {}
        }
    }

    /// The value of a text constant, under any casts between text types.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Const(_, Some(bytes)) => {
                varlena(bytes).and_then(|text| String::from_utf8(text).ok())
            }
            Self::Cast(_, inner) => inner.as_text(),
            _ => None,
        }
    }

    /// Whether it is `''`.
    pub fn is_empty_text(&self) -> bool {
        self.as_text().as_deref() == Some("")
    }

    /// The value of `CASE WHEN x = '' THEN NULL ELSE value END`, or of `CASE WHEN x <> '' THEN value END`, where
    /// the value is x under casts. `equal` are the operators that mean equality.
    pub fn unless_empty(&self, equal: &BTreeSet<Oid>) -> Option<&Self> {
        let Self::Case(branches, default) = self else {
            return None;
        };
        let [(Self::Operator(operator, sides), then)] = branches.as_slice() else {
            return None;
        };
        let tested = match sides.as_slice() {
            [tested, empty] | [empty, tested] if empty.is_empty_text() => tested,
            _ => return None,
        };
        let null = |value: &Self| matches!(value.bare(), Self::Const(_, None));
        let value = match equal.contains(operator) {
            true if null(then) => &**default,
            false if null(default) && *operator == TEXT_DIFFERS => then,
            _ => return None,
        };
        (value.bare() == tested.bare()).then_some(value)
    }

    /// The value of a boolean constant. Shape: the inner `None` is NULL.
    pub fn as_bool(&self) -> Option<Option<bool>> {
        match self {
            Self::Const(BOOL, None) => Some(None),
            Self::Const(BOOL, Some(bytes)) => Some(Some(bytes.first() == Some(&1))),
            _ => None,
        }
    }

    /// The columns of the policy's own table that it reads, in sub-selects as well, each once, sorted.
    pub fn columns(&self) -> Vec<i32> {
        let mut numbers = Vec::new();
        self.columns_at(0, &mut numbers);
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl Expr {
    fn columns_at(&self, depth: i64, numbers: &mut Vec<i32>) {
        self.walk(&mut |expr| match expr {
            Self::Column { number, outer, .. } if *outer == depth => numbers.push(*number),
            Self::SubSelect { query, .. } => {
                for inner in query.select.iter().flat_map(Select::exprs) {
                    inner.columns_at(depth + 1, numbers);
                }
            }
            _ => {}
        });
    }

    /// A text constant.
    pub fn text(text: &str) -> Self {
        let length = u32::try_from(text.len() + 4).unwrap_or(u32::MAX >> 2) << 2;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        Self::Const(TEXT, Some(bytes))
    }

    /// The value of a constant that can be an id, as text: a text, or a uuid.
    pub fn as_id(&self) -> Option<String> {
        match self.bare() {
            Self::Const(UUID, Some(bytes)) => {
                uuid::Uuid::from_slice(bytes).ok().map(|id| id.to_string())
            }
            other => {
                let text = other.as_text()?;
                Some(uuid::Uuid::parse_str(&text).map_or(text, |id| id.to_string()))
            }
        }
    }

    /// The expression without the casts around it.
    pub fn bare(&self) -> &Self {
        match self {
            Self::Cast(_, inner) => inner.bare(),
            _ => self,
        }
    }
}

/// `text <> text`. Source: `pg_operator.dat`.
const TEXT_DIFFERS: Oid = 531;

/// `uuid`.
const UUID: Oid = 2950;

/// `text`.
const TEXT: Oid = 25;

/// The content of a stored text. Source: `varatt.h`, the four-byte header, little-endian.
fn varlena(bytes: &[u8]) -> Option<Vec<u8>> {
    let header: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(header) >> 2).ok()?;
    bytes.get(4..length).map(<[u8]>::to_vec)
}
