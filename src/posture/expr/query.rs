//! A query that only joins and filters, read from its node tree: `SELECT x FROM a JOIN b ON … WHERE …`.

use super::{Expr, read};
use crate::posture::Oid;
use crate::posture::tree::Node;

/// A query without grouping, limits, set operations or outer joins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Select {
    /// What stands in FROM, by the number that columns name it with; `None` is a join's own number.
    pub from: Vec<Option<Source>>,
    /// WHERE and all ON, each to be true.
    pub conditions: Vec<Expr>,
    /// What it gives.
    pub targets: Vec<Expr>,
}

/// One item of FROM.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A relation.
    Relation(Oid),
    /// A function's result.
    Function(Expr),
}

impl Select {
    /// Every expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        let calls = self
            .from
            .iter()
            .flatten()
            .filter_map(|source| match source {
                Source::Function(call) => Some(call),
                Source::Relation(_) => None,
            });
        self.conditions
            .iter()
            .chain(&self.targets)
            .chain(calls)
            .collect()
    }
}

/// Reads a query. Shape: nothing when it does more than join and filter.
pub fn select(query: &Node) -> Option<Select> {
    let empty = |field: &str| {
        query.list(field).is_empty() && query.value(field).is_none_or(|v| v.tag().is_empty())
    };
    let plain = [
        "groupClause",
        "groupingSets",
        "havingQual",
        "limitOffset",
        "setOperations",
        "cteList",
        "windowClause",
        "rowMarks",
    ];
    let flags = ["hasAggs", "hasWindowFuncs", "hasModifyingCTE"];
    if !plain.into_iter().all(empty) || flags.iter().any(|flag| query.word(flag) == "true") {
        return None;
    }
    let mut select = Select {
        from: query
            .list("rtable")
            .iter()
            .map(source)
            .collect::<Option<_>>()?,
        ..Select::default()
    };
    let tree = query.value("jointree")?;
    for item in tree.list("fromlist") {
        join(item, &mut select.conditions)?;
    }
    filter(tree, &mut select.conditions);
    select.targets = query
        .list("targetList")
        .iter()
        .filter(|target| target.word("resjunk") != "true")
        .map(|target| target.value("expr").map(read))
        .collect::<Option<_>>()?;
    // A limit of one or more rows that are only asked for their existence changes nothing; another one might.
    let existence = select.targets.iter().all(|t| matches!(t, Expr::Const(..)));
    let some = |limit: &Node| matches!(read(limit), Expr::Const(_, Some(bytes)) if bytes.first().is_some_and(|b| *b > 0));
    (empty("limitCount") || existence && query.value("limitCount").is_some_and(some))
        .then_some(select)
}

/// One entry of the range table. Source: `RTEKind`: 0 relation, 2 join, 3 function.
fn source(entry: &Node) -> Option<Option<Source>> {
    if entry
        .value("tablesample")
        .is_some_and(|sample| !sample.tag().is_empty())
    {
        return None;
    }
    match entry.word("rtekind") {
        "0" if entry.word("relkind") == "r" || entry.word("relkind") == "p" => {
            let oid = Oid::try_from(entry.number("relid")?).ok()?;
            Some(Some(Source::Relation(oid)))
        }
        "2" => Some(None),
        "3" if entry.word("funcordinality") != "true" => match entry.list("functions") {
            [only] => Some(Some(Source::Function(read(only.value("funcexpr")?)))),
            _ => None,
        },
        _ => None,
    }
}

fn join(item: &Node, conditions: &mut Vec<Expr>) -> Option<()> {
    match item.tag() {
        "RANGETBLREF" => Some(()),
        "JOINEXPR" if item.word("jointype") == "0" => {
            join(item.value("larg")?, conditions)?;
            join(item.value("rarg")?, conditions)?;
            filter(item, conditions);
            Some(())
        }
        _ => None,
    }
}

fn filter(item: &Node, conditions: &mut Vec<Expr>) {
    if let Some(quals) = item.value("quals").filter(|quals| !quals.tag().is_empty()) {
        conditions.push(read(quals));
    }
}
