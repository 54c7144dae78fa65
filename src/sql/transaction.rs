//! What a statement asks of the transaction around it.
//!
//! Looks at keywords only. A function or DO block can still do what its text does not show; the server
//! says so then.

use std::ops::Range;

use super::split::Statement;
use super::token::{Kind, identifier, tokens};
use crate::catalog::name::Name;

/// An index built without blocking writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcurrentIndex {
    /// The index, in its table's schema; `None` when the statement leaves the name to the server.
    pub name: Option<Name>,
    /// The table; an unqualified one is taken as `public`'s.
    pub table: Name,
}

/// One token with a meaning: its upper-case word, or its text as it is.
struct Item<'a> {
    kind: Kind,
    text: &'a str,
    word: String,
    span: Range<usize>,
}

fn items(text: &str) -> impl Iterator<Item = Item<'_>> {
    tokens(text)
        .filter(|token| !token.kind.is_trivia())
        .map(|token| {
            let part = &text[token.span.clone()];
            let word = match token.kind {
                Kind::Word => part.to_ascii_uppercase(),
                Kind::OpenEnded(_) | Kind::Text => String::new(),
                _ => part.to_owned(),
            };
            Item {
                kind: token.kind,
                text: part,
                word,
                span: token.span,
            }
        })
}

/// The words outside parentheses, in upper case, at most `max` of them; an identifier in quotes keeps
/// its quotes, so it is never taken for a keyword.
fn words(text: &str, max: usize) -> Vec<String> {
    let mut depth = 0_usize;
    let mut words = Vec::new();
    for item in items(text) {
        match item.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word | Kind::QuotedIdent if depth == 0 => words.push(item.word),
            _ => {}
        }
        if words.len() == max {
            break;
        }
    }
    words
}

/// Whether the first parentheses of a statement list the option, and not as switched off.
fn has_option(text: &str, option: &str) -> bool {
    let mut items = items(text).skip_while(|item| item.kind != Kind::Open);
    let inside: Vec<Item<'_>> = items
        .by_ref()
        .take_while(|item| item.kind != Kind::Close)
        .collect();
    inside.iter().enumerate().any(|(at, item)| {
        let off = inside.get(at + 1).is_some_and(|next| {
            matches!(next.word.as_str(), "FALSE" | "OFF" | "0") || next.text == "'false'"
        });
        item.word == option && !off
    })
}

/// Names the kind of statement when the server refuses it inside a transaction block.
///
/// # Shape
/// `None` is no promise for functions and DO blocks, nor for REINDEX and CLUSTER of a partitioned
/// table, which only the server knows to be one.
/// Source: the calls of `PreventInTransactionBlock` in PostgreSQL 16 to 18.
pub fn needs_no_transaction(statement: &Statement) -> Option<&'static str> {
    let text = statement.text.as_str();
    match statement.keyword.as_str() {
        "VACUUM" => return Some("VACUUM"),
        "CREATE" | "DROP" | "ALTER" | "REINDEX" | "CLUSTER" | "COMMIT" | "ROLLBACK" | "DISCARD" => {
        }
        _ => return None,
    }
    let words = words(text, 64);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["CREATE", "INDEX", "CONCURRENTLY", ..]
        | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ..] => Some("CREATE INDEX CONCURRENTLY"),
        ["DROP", "INDEX", "CONCURRENTLY", ..] => Some("DROP INDEX CONCURRENTLY"),
        ["CREATE", "DATABASE", ..] => Some("CREATE DATABASE"),
        ["DROP", "DATABASE", ..] => Some("DROP DATABASE"),
        ["ALTER", "DATABASE", _, "SET", "TABLESPACE", ..] => Some("ALTER DATABASE SET TABLESPACE"),
        ["CREATE", "TABLESPACE", ..] => Some("CREATE TABLESPACE"),
        ["DROP", "TABLESPACE", ..] => Some("DROP TABLESPACE"),
        ["ALTER", "SYSTEM", ..] => Some("ALTER SYSTEM"),
        ["CREATE", "SUBSCRIPTION", ..] if !switched_off(text, &["CREATE_SLOT", "CONNECT"]) => {
            Some("CREATE SUBSCRIPTION with a slot")
        }
        ["DROP", "SUBSCRIPTION", ..] => Some("DROP SUBSCRIPTION"),
        ["ALTER", "SUBSCRIPTION", _, "REFRESH", ..] => Some("ALTER SUBSCRIPTION REFRESH"),
        [
            "ALTER",
            "SUBSCRIPTION",
            _,
            "SET" | "ADD" | "DROP",
            "PUBLICATION",
            ..,
        ] if !switched_off(text, &["REFRESH"]) => Some("ALTER SUBSCRIPTION with a refresh"),
        ["ALTER", "TABLE", rest @ ..]
            if rest.contains(&"DETACH") && rest.last() == Some(&"CONCURRENTLY") =>
        {
            Some("DETACH PARTITION CONCURRENTLY")
        }
        ["REINDEX", rest @ ..] => reindex(text, rest),
        ["CLUSTER"] | ["CLUSTER", "VERBOSE"] => Some("CLUSTER of all tables"),
        ["COMMIT", "PREPARED", ..] => Some("COMMIT PREPARED"),
        ["ROLLBACK", "PREPARED", ..] => Some("ROLLBACK PREPARED"),
        ["DISCARD", "ALL"] => Some("DISCARD ALL"),
        _ => None,
    }
}

fn reindex(text: &str, rest: &[&str]) -> Option<&'static str> {
    match rest {
        ["DATABASE", ..] => Some("REINDEX DATABASE"),
        ["SYSTEM", ..] => Some("REINDEX SYSTEM"),
        ["SCHEMA", ..] => Some("REINDEX SCHEMA"),
        [_, "CONCURRENTLY", ..] => Some("REINDEX CONCURRENTLY"),
        _ if has_option(text, "CONCURRENTLY") => Some("REINDEX CONCURRENTLY"),
        _ => None,
    }
}

/// Whether one of the options is there and set to no.
fn switched_off(text: &str, options: &[&str]) -> bool {
    let all: Vec<Item<'_>> = items(text).collect();
    all.windows(3).any(|three| {
        options.contains(&three[0].word.as_str())
            && three[1].text == "="
            && (matches!(three[2].word.as_str(), "FALSE" | "OFF" | "0")
                || matches!(three[2].text, "'false'" | "'off'"))
    })
}

/// Names the statement when it begins or ends a transaction, which is the runner's to do.
///
/// SAVEPOINT, RELEASE and ROLLBACK TO stay inside the transaction and are allowed.
pub fn controls_transaction(statement: &Statement) -> Option<&'static str> {
    if !matches!(
        statement.keyword.as_str(),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "PREPARE"
    ) {
        return None;
    }
    let words = words(&statement.text, 4);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["BEGIN", ..] => Some("BEGIN"),
        ["START", "TRANSACTION", ..] => Some("START TRANSACTION"),
        ["COMMIT" | "ROLLBACK", "PREPARED", ..] => None,
        ["COMMIT", ..] => Some("COMMIT"),
        ["END", ..] => Some("END"),
        ["ROLLBACK", rest @ ..] if !rest.contains(&"TO") => Some("ROLLBACK"),
        ["ABORT", ..] => Some("ABORT"),
        ["PREPARE", "TRANSACTION", ..] => Some("PREPARE TRANSACTION"),
        _ => None,
    }
}

/// Reads `CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] [name] ON [ONLY] table`.
pub fn concurrent_index(statement: &Statement) -> Option<ConcurrentIndex> {
    if statement.keyword != "CREATE" {
        return None;
    }
    let mut items = items(&statement.text).skip(1).peekable();
    items.next_if(|item| item.word == "UNIQUE");
    items.next_if(|item| item.word == "INDEX")?;
    items.next_if(|item| item.word == "CONCURRENTLY")?;
    if items.next_if(|item| item.word == "IF").is_some() {
        items.next_if(|item| item.word == "NOT")?;
        items.next_if(|item| item.word == "EXISTS")?;
    }
    let index = match items.next_if(|item| item.word == "ON") {
        Some(_) => None,
        None => {
            let item = items.next()?;
            let index = identifier(item.kind, item.text)?;
            items.next_if(|item| item.word == "ON")?;
            Some(index)
        }
    };
    items.next_if(|item| item.word == "ONLY");
    let first = items.next()?;
    let first = identifier(first.kind, first.text)?;
    let table = match items.next_if(|item| item.kind == Kind::Dot) {
        Some(_) => {
            let second = items.next()?;
            Name::new(first, identifier(second.kind, second.text)?).ok()?
        }
        None => Name::new("public", first).ok()?,
    };
    let name = match index {
        Some(index) => Some(Name::new(table.schema.clone(), index).ok()?),
        None => None,
    };
    Some(ConcurrentIndex { name, table })
}

/// Where a COPY statement names stdin or stdout. Units: bytes of `text`.
pub(super) fn copies_through_client(text: &str) -> Option<Range<usize>> {
    if !text.get(..4)?.eq_ignore_ascii_case("copy") {
        return None;
    }
    let mut depth = 0_usize;
    let mut before = String::new();
    for item in items(text) {
        match item.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word if depth == 0 => match (before.as_str(), item.word.as_str()) {
                ("FROM", "STDIN" | "STDOUT") | ("TO", "STDOUT" | "STDIN") => {
                    return Some(item.span);
                }
                _ => {}
            },
            _ => {}
        }
        before = item.word;
    }
    None
}

#[cfg(test)]
mod tests;
