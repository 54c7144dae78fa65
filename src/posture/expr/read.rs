//! From a node tree to an expression.

use super::{BOOL, Expr, Query, ids, mentions, query};
use crate::posture::tree::Node;
use crate::posture::{FIRST_USER_OID, Oid};

/// Reads an expression.
pub fn read(node: &Node) -> Expr {
    let all = |items: &[Node]| items.iter().map(read).collect::<Vec<_>>();
    let args = || all(node.list("args"));
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
            from: node.number("varno").unwrap_or(0),
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
                // One with a length as well (`varchar(3)`) cuts off, and is a function like others.
                if node.word("funcformat") != "0"
                    && function < FIRST_USER_OID
                    && items.len() == 1 =>
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
        "SQLVALUEFUNCTION" => Expr::Session(node.number("op").unwrap_or(-1)),
        _ => read_test(node),
    }
}

/// Tests, casts, branches, rows and sub-selects.
fn read_test(node: &Node) -> Expr {
    let all = |items: &[Node]| items.iter().map(read).collect::<Vec<_>>();
    let args = || all(node.list("args"));
    let boxed = |field: &str| node.value(field).map(|inner| Box::new(read(inner)));
    let other = || Expr::Other(node.clone());
    match node.tag() {
        "NULLTEST" => boxed("arg").map_or_else(other, |operand| Expr::IsNull {
            operand,
            null: node.word("nulltesttype") == "0",
        }),
        "BOOLEANTEST" => match (boxed("arg"), truth(node.word("booltesttype"))) {
            (Some(operand), Some(truth)) => Expr::IsOneOf { operand, truth },
            _ => other(),
        },
        "RELABELTYPE" | "COERCEVIAIO" | "COERCETODOMAIN" => {
            boxed("arg").map_or_else(other, |arg| Expr::Cast(oid(node, "resulttype"), arg))
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
            query: Box::new(sub_query(node.value("subselect"))),
        },
        _ => other(),
    }
}

fn oid(node: &Node, field: &str) -> Oid {
    node.number(field)
        .and_then(|n| Oid::try_from(n).ok())
        .unwrap_or(0)
}

fn sub_query(node: Option<&Node>) -> Query {
    let all = |field: &str| {
        let mut found = Vec::new();
        if let Some(node) = node {
            ids(node, field, &mut found);
        }
        found
    };
    Query {
        relations: all("relid"),
        functions: all("funcid"),
        operators: all("opno"),
        select: node.and_then(query::select),
        node: node.cloned().unwrap_or(Node::Word(String::new())),
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
