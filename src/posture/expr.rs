//! An expression of a policy, read from its node tree. Every operator, function and type is the id
//! that PostgreSQL resolved, so no look-alike in another schema can be mistaken for it.

use super::tree::Node;
use super::{FIRST_USER_OID, Oid};

/// An expression.
#[expect(
    missing_docs,
    reason = "the fields are named as PostgreSQL's node structs name them"
)]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expr {
    /// A constant; `None` is NULL, otherwise the bytes as they are stored.
    Const(Oid, Option<Vec<u8>>),
    /// A column of the policy's own table, or of a query further in when `outer` is 0 there.
    Column { number: i32, outer: i64 },
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
    /// A sub-select: its kind, the expression compared, and its whole query.
    SubSelect {
        kind: i64,
        test: Option<Box<Expr>>,
        query: Node,
    },
    /// CURRENT_USER and its like.
    Session(i64),
    /// Anything else; it is never interpreted.
    Other(Node),
}

/// `boolean`. Source: `pg_type.dat`.
pub const BOOL: Oid = 16;

/// Reads an expression.
pub fn read(node: &Node) -> Expr {
    let all = |items: &[Node]| items.iter().map(read).collect::<Vec<_>>();
    let args = || all(node.list("args"));
    let boxed = |field: &str| node.value(field).map(|inner| Box::new(read(inner)));
    let oid = |field: &str| {
        node.number(field)
            .and_then(|n| Oid::try_from(n).ok())
            .unwrap_or(0)
    };
    let other = || Expr::Other(node.clone());
    match node.tag() {
        "CONST" => Expr::Const(oid("consttype"), constant(node)),
        "VAR" => Expr::Column {
            number: node
                .number("varattno")
                .and_then(|n| i32::try_from(n).ok())
                .unwrap_or(0),
            outer: node.number("varlevelsup").unwrap_or(0),
        },
        "BOOLEXPR" => match (node.word("boolop"), args()) {
            ("and", items) => Expr::And(items),
            ("or", items) => Expr::Or(items),
            ("not", mut items) if items.len() == 1 => Expr::Not(Box::new(items.remove(0))),
            _ => other(),
        },
        "OPEXPR" => Expr::Operator(oid("opno"), args()),
        "DISTINCTEXPR" => Expr::Distinct(oid("opno"), args()),
        "NULLIFEXPR" => Expr::NullIf(oid("opno"), args()),
        "FUNCEXPR" => match (oid("funcid"), args()) {
            // Explicit and implicit casts by a function of PostgreSQL's own change no meaning here.
            (function, mut items)
                if node.word("funcformat") != "0"
                    && function < FIRST_USER_OID
                    && !items.is_empty() =>
            {
                Expr::Cast(oid("funcresulttype"), Box::new(items.remove(0)))
            }
            (function, items) => Expr::Call(function, items),
        },
        "SCALARARRAYOPEXPR" => Expr::Quantified {
            operator: oid("opno"),
            any: node.word("useOr") == "true",
            operands: args(),
        },
        "COALESCEEXPR" | "COALESCE" => Expr::Coalesce(args()),
        "NULLTEST" => boxed("arg").map_or_else(other, |operand| Expr::IsNull {
            operand,
            null: node.word("nulltesttype") == "0",
        }),
        "BOOLEANTEST" => match (boxed("arg"), truth(node.word("booltesttype"))) {
            (Some(operand), Some(truth)) => Expr::IsOneOf { operand, truth },
            _ => other(),
        },
        "RELABELTYPE" | "COERCEVIAIO" | "COERCETODOMAIN" => {
            boxed("arg").map_or_else(other, |arg| Expr::Cast(oid("resulttype"), arg))
        }
        "CASEEXPR" | "CASE"
            if node.word("arg").is_empty()
                && node.value("arg").is_none_or(|arg| arg.tag().is_empty()) =>
        {
            case(node).unwrap_or_else(other)
        }
        "ARRAYEXPR" | "ARRAY" => Expr::Items(all(node.list("elements"))),
        "ROWEXPR" | "ROW" => Expr::Items(args()),
        "SUBLINK" if selected(node).is_some() => selected(node).map_or_else(other, read),
        "SUBLINK" => Expr::SubSelect {
            kind: node.number("subLinkType").unwrap_or(-1),
            test: node
                .value("testexpr")
                .filter(|test| !test.tag().is_empty())
                .map(|test| Box::new(read(test))),
            query: node
                .value("subselect")
                .cloned()
                .unwrap_or(Node::Word(String::new())),
        },
        "SQLVALUEFUNCTION" => Expr::Session(node.number("op").unwrap_or(-1)),
        _ => other(),
    }
}

/// What `(SELECT expression)` without FROM and without columns selects: it means the same as the expression.
fn selected(node: &Node) -> Option<&Node> {
    let query = node.value("subselect")?;
    let empty = |field: &str| {
        query.list(field).is_empty()
            && query
                .value(field)
                .is_none_or(|value| value.tag().is_empty())
    };
    let plain = [
        "rtable",
        "groupClause",
        "havingQual",
        "limitOffset",
        "limitCount",
        "setOperations",
        "cteList",
    ]
    .into_iter()
    .all(empty);
    let from = query.value("jointree")?;
    let unfiltered = from.list("fromlist").is_empty()
        && from
            .value("quals")
            .is_none_or(|quals| quals.tag().is_empty());
    let [target] = query.list("targetList") else {
        return None;
    };
    let expr = target.value("expr")?;
    let alone =
        node.word("subLinkType") == "4" && plain && unfiltered && query.word("hasAggs") != "true";
    (alone && !mentions(expr, "VAR")).then_some(expr)
}

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

/// The relations that a query reads. Source: `RangeTblEntry.relid`.
pub fn relations(node: &Node, found: &mut Vec<Oid>) {
    if let Some(oid) = node
        .number("relid")
        .and_then(|n| Oid::try_from(n).ok())
        .filter(|oid| *oid > 0)
        && node.tag().starts_with("RANGETBLENTRY")
    {
        found.push(oid);
    }
    match node {
        Node::Struct(_, fields) => fields
            .iter()
            .flat_map(|(_, values)| values)
            .for_each(|v| relations(v, found)),
        Node::List(items) => items.iter().for_each(|item| relations(item, found)),
        _ => {}
    }
}

fn constant(node: &Node) -> Option<Vec<u8>> {
    if node.word("constisnull") == "true" {
        return None;
    }
    node.values("constvalue")
        .iter()
        .find_map(|value| match value {
            Node::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        })
}

/// Which of true, false and null a boolean test accepts. Source: `BoolTestType`.
fn truth(kind: &str) -> Option<[bool; 3]> {
    Some(match kind {
        "0" => [true, false, false],
        "1" => [false, true, true],
        "2" => [false, true, false],
        "3" => [true, false, true],
        "4" => [false, false, true],
        "5" => [true, true, false],
        _ => return None,
    })
}

fn case(node: &Node) -> Option<Expr> {
    let branches = node
        .list("args")
        .iter()
        .map(|when| Some((read(when.value("expr")?), read(when.value("result")?))));
    let default = node
        .value("defresult")
        .filter(|value| !value.tag().is_empty());
    let default = default.map_or(Expr::Const(BOOL, None), read);
    Some(Expr::Case(
        branches.collect::<Option<Vec<_>>>()?,
        Box::new(default),
    ))
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

    /// The value of a boolean constant. Shape: the inner `None` is NULL.
    pub fn as_bool(&self) -> Option<Option<bool>> {
        match self {
            Self::Const(BOOL, None) => Some(None),
            Self::Const(BOOL, Some(bytes)) => Some(Some(bytes.first() == Some(&1))),
            _ => None,
        }
    }

    /// The columns of the policy's own table that it reads outside sub-selects, each once, sorted.
    pub fn columns(&self) -> Vec<i32> {
        let mut numbers = Vec::new();
        self.walk(&mut |expr| {
            if let Self::Column { number, outer: 0 } = expr {
                numbers.push(*number);
            }
        });
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// The content of a stored text. Source: `varatt.h`, the four-byte header, little-endian.
fn varlena(bytes: &[u8]) -> Option<Vec<u8>> {
    let header: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(header) >> 2).ok()?;
    bytes.get(4..length).map(<[u8]>::to_vec)
}
