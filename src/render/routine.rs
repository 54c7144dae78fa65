//! Statements that make functions and procedures, and settings as they hold them.

use super::words;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::catalog::{Facets, Id, Kind};

/// A function or procedure. Source: what `pg_get_functiondef` writes.
pub(super) fn routine(id: &Id, f: &Facets) -> Option<String> {
    let word = if id.kind == Kind::Procedure {
        "PROCEDURE"
    } else {
        "FUNCTION"
    };
    if f.get("library").is_some() {
        return None;
    }
    let mut sql = format!(
        "CREATE OR REPLACE {word} {}({})",
        words::routine(&id.name),
        f.text("arguments")
    );
    if id.kind == Kind::Function {
        sql.push_str(&format!("\n RETURNS {}", f.text("returns")));
    }
    sql.push_str(&format!("\n LANGUAGE {}", quote_ident(f.text("language"))));
    let mut word = |there: bool, text: &str| {
        if there {
            sql.push_str(&format!("\n {text}"));
        }
    };
    word(f.flag("window"), "WINDOW");
    word(
        f.text("volatility") != "volatile" && id.kind == Kind::Function,
        &f.text("volatility").to_uppercase(),
    );
    word(f.flag("leakproof"), "LEAKPROOF");
    word(f.flag("strict"), "STRICT");
    word(f.flag("security_definer"), "SECURITY DEFINER");
    word(
        f.get("parallel").is_some(),
        &format!("PARALLEL {}", f.text("parallel").to_uppercase()),
    );
    word(f.get("cost").is_some(), &format!("COST {}", f.text("cost")));
    word(f.get("rows").is_some(), &format!("ROWS {}", f.text("rows")));
    word(
        f.get("support").is_some(),
        &format!("SUPPORT {}", routine_of(f.text("support"))),
    );
    for item in f.items("settings") {
        let (name, value) = item.split_once('=')?;
        sql.push_str(&format!(
            "\n SET {} TO {}",
            quote_setting(name),
            setting_value(name, value)?
        ));
    }
    if f.flag("sql_body") {
        sql.push_str(&format!("\n{}", f.text("body")));
    } else {
        let tag = dollar_tag(f.text("body"));
        sql.push_str(&format!("\nAS {tag}{}{tag}", f.text("body")));
    }
    Some(sql)
}

fn routine_of(name: &str) -> &str {
    words::routine(name)
}

/// A dollar quote that the body does not hold.
fn dollar_tag(body: &str) -> String {
    let mut tag = "$function$".to_owned();
    while body.contains(&tag) {
        tag.insert(tag.len() - 1, 'x');
    }
    tag
}

/// A setting's name; one with a prefix keeps its point.
pub(super) fn quote_setting(name: &str) -> String {
    name.split('.')
        .map(quote_ident)
        .collect::<Vec<_>>()
        .join(".")
}

/// A setting's value. Lists of names are stored with their elements quoted, and must not be quoted
/// again as a whole. Source: `GUC_LIST_QUOTE`.
pub(super) fn setting_value(name: &str, value: &str) -> Option<String> {
    const LISTS: [&str; 5] = [
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
    ];
    if !LISTS.contains(&name) {
        return quote_literal(value).ok();
    }
    let items: Option<Vec<String>> = value
        .split(',')
        .map(|item| quote_literal(item.trim().trim_matches('"')).ok())
        .collect();
    Some(items?.join(", "))
}
