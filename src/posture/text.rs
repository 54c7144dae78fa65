//! A function's text, read as far as policies' helpers go: one SELECT that joins and filters, or one
//! RETURN, of names, settings, comparisons by `=`, AND, OR, NOT, EXISTS, IN and COALESCE.
//!
//! Whatever else stands there makes the function opaque. Names are looked up as PostgreSQL would in every
//! session, or not at all: a table's name needs its schema, or a `SET search_path` of the function that
//! ends with pg_temp, or, in a function that runs as its caller, to be the only one.

use super::body::{among, sub_select, value};
use super::expr::{ARRAY, EXISTS, Expr, Select, Source};
use super::tree::Node;
use super::{Function, Oid, Posture, Relation};

mod name;
mod parse;
mod token;

use parse::Parser;

/// What a function's text gives.
pub(super) fn body(posture: &Posture, function: &Function) -> Option<Select> {
    // Which "=" is meant could depend on types that are not known here.
    if posture.facts("own_equality").next().is_some() {
        return None;
    }
    let tokens = token::tokens(function.body.as_deref()?)?;
    let mut parser = Parser::new(posture, function, tokens)?;
    let select = match function.language.as_str() {
        "sql" => {
            let select = parser.query()?;
            parser.skip(";");
            select
        }
        _ => {
            parser.word("begin").then_some(())?;
            parser.word("return").then_some(())?;
            let select = if parser.word("query") {
                parser.query()?
            } else {
                let given = parser.expr()?;
                Select {
                    targets: vec![given],
                    ..Select::default()
                }
            };
            parser.skip(";").then_some(())?;
            parser.word("end").then_some(())?;
            parser.skip(";");
            select
        }
    };
    parser.done().then_some(select)
}

/// A parameter by its place, from 1, as a tree would have it.
fn parameter(at: usize) -> Expr {
    let field = |name: &str, value: String| (name.to_owned(), vec![Node::Word(value)]);
    Expr::Other(Node::Struct(
        "PARAM".to_owned(),
        vec![
            field("paramkind", "0".to_owned()),
            field("paramid", at.to_string()),
        ],
    ))
}

/// The place of a sub-select's own column in its test.
fn tested() -> Expr {
    let field = |name: &str, value: &str| (name.to_owned(), vec![Node::Word(value.to_owned())]);
    Expr::Other(Node::Struct(
        "PARAM".to_owned(),
        vec![field("paramkind", "2"), field("paramid", "1")],
    ))
}

#[cfg(test)]
mod tests;
