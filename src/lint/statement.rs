//! Rules about one statement, or one file.

use super::project::Whole;
use super::{Found, at};
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::reader::Reader;
use crate::sql::split::Statement;
use crate::sql::token::{Kind, tokens};

/// What single statements of a file do wrong.
pub(super) fn found(file: &SqlFile, whole: &Whole) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in &file.script.statements {
        let mut add = |id, message: String| {
            found.push(at(&file.document, statement.body.start, id, message));
        };
        definer(statement, file, whole, &mut add);
        if let Some(wrong) = fragile(statement) {
            add("policy-context-fragile", wrong.to_owned());
        }
        if let (true, Some(view)) = (whole.isolates(), open_view(statement)) {
            add(
                "view-without-invoker",
                format!("{view} reads with its owner's rights"),
            );
        }
        if to_public(statement) {
            add(
                "grant-to-public",
                "a privilege is given to PUBLIC".to_owned(),
            );
        }
        if ag_catalog_first(statement) {
            add(
                "ag-catalog-first",
                "search_path begins with ag_catalog".to_owned(),
            );
        }
        if let Some(label) = whole.open_label(statement) {
            add(
                "graph-label-without-policy",
                format!("the label {label} is in no policy, and not in graph/ontology.toml"),
            );
        }
        index(statement, &mut add);
    }
    found
}

/// A migration that cannot be taken back and does not say so.
pub(super) fn of_migration(migration: &Migration) -> Option<Found> {
    let header = &migration.up.header;
    let without = migration.down.is_none() && !header.irreversible && !migration.needs_superuser();
    let start = migration.up.script.statements.first()?.body.start;
    let message = format!("V{} has no down file", migration.version);
    without.then(|| {
        at(
            &migration.up.document,
            start,
            "migration-without-way-back",
            message,
        )
    })
}

fn definer(
    statement: &Statement,
    file: &SqlFile,
    whole: &Whole,
    add: &mut impl FnMut(&'static str, String),
) {
    let Some((name, mut reader)) = function(statement) else {
        return;
    };
    let rest = reader.at;
    if !(reader.seek("SECURITY") && reader.follows(&["DEFINER"])) {
        return;
    }
    reader.at = rest;
    let mut pinned = false;
    while reader.seek("SET") {
        pinned |= reader.follows(&["search_path"]);
    }
    if !pinned {
        add(
            "definer-without-search-path",
            format!("{name} runs with its owner's rights and the caller's search_path"),
        );
    }
    let revoked = file.script.statements.iter().any(|one| closes(one, &name));
    let closed = whole.functions_closed && file.header.role.is_none();
    if !revoked && !closed {
        add(
            "definer-open-to-public",
            format!("{name} runs with its owner's rights for everybody"),
        );
    }
}

/// The name of the function that a statement creates, and what follows the name.
fn function(statement: &Statement) -> Option<(String, Reader)> {
    let mut reader = Reader::new(&statement.text);
    let created = reader.skip(&["CREATE"]);
    reader.skip(&["OR", "REPLACE"]);
    let one = created && (reader.skip(&["FUNCTION"]) || reader.skip(&["PROCEDURE"]));
    let name = one.then(|| reader.name())??;
    Some((name, reader))
}

/// `REVOKE … ON FUNCTION … name … FROM … PUBLIC`.
fn closes(statement: &Statement, name: &str) -> bool {
    let mut reader = Reader::new(&statement.text);
    let revokes = reader.skip(&["REVOKE"])
        && (reader.seek("FUNCTION") || reader.seek("PROCEDURE") || reader.seek("ROUTINE"));
    // Several functions may stand in one statement; arguments have names, too, and harm nothing here.
    let named = |reader: &mut Reader| {
        let from = reader.at;
        let end = reader.seek("FROM").then_some(reader.at);
        let public = reader.has("PUBLIC");
        reader.at = from;
        let end = end.unwrap_or(usize::MAX);
        while reader.at < end && !reader.ended() {
            if reader.name().as_deref() == Some(name) {
                return public;
            }
            reader.at += 1;
        }
        false
    };
    revokes && named(&mut reader)
}

/// What makes a policy raise where the context is missing.
fn fragile(statement: &Statement) -> Option<&'static str> {
    let reader = Reader::new(&statement.text);
    if !(reader.follows(&["CREATE", "POLICY"]) || reader.follows(&["ALTER", "POLICY"])) {
        return None;
    }
    let text = &statement.text;
    let items: Vec<(Kind, &str)> = tokens(text)
        .filter(|token| !token.kind.is_trivia())
        .map(|token| (token.kind, &text[token.span]))
        .collect();
    let word = |at: usize, word: &str| {
        items
            .get(at)
            .is_some_and(|(_, text)| text.eq_ignore_ascii_case(word))
    };
    for at in (0..items.len()).filter(|at| word(*at, "current_setting")) {
        let close = (at..items.len()).find(|end| items[*end].0 == Kind::Close)?;
        if items
            .get(at + 3)
            .is_none_or(|(kind, _)| *kind != Kind::Comma)
        {
            return Some("current_setting without `true` raises in a session that never set it");
        }
        let kept = (at.saturating_sub(6)..at).any(|before| word(before, "NULLIF"));
        let cast = items
            .get(close + 1)
            .is_some_and(|(_, text)| text.starts_with(':'));
        let to_text = ["text", "varchar"]
            .iter()
            .any(|ty| (close + 1..close + 6).any(|at| word(at, ty)));
        if cast && !kept && !to_text {
            return Some("an empty setting is cast: put NULLIF(…, '') around current_setting");
        }
    }
    None
}

/// "the view public.titles", if it reads with its owner's rights.
fn open_view(statement: &Statement) -> Option<String> {
    let mut reader = Reader::new(&statement.text);
    if !reader.skip(&["CREATE"]) {
        return None;
    }
    reader.skip(&["OR", "REPLACE"]);
    if reader.skip(&["MATERIALIZED", "VIEW"]) {
        reader.skip(&["IF", "NOT", "EXISTS"]);
        return Some(format!("the materialized view {}", reader.name()?));
    }
    let view = reader.skip(&["VIEW"]) || reader.skip(&["RECURSIVE", "VIEW"]);
    let name = view.then(|| reader.name())??;
    (!reader.has("security_invoker")).then(|| format!("the view {name}"))
}

fn to_public(statement: &Statement) -> bool {
    let mut reader = Reader::new(&statement.text);
    let default = reader.skip(&["ALTER", "DEFAULT", "PRIVILEGES"]) && reader.seek("GRANT");
    if !default && !reader.skip(&["GRANT"]) {
        return false;
    }
    let mut public = false;
    while reader.seek("TO") {
        public = reader.has("PUBLIC");
    }
    public
}

/// `search_path = ag_catalog, …`, in SET, in a function, a role's or database's setting, or set_config.
fn ag_catalog_first(statement: &Statement) -> bool {
    let text = &statement.text;
    let items: Vec<(Kind, String)> = tokens(text)
        .filter(|token| !token.kind.is_trivia())
        .map(|token| (token.kind, text[token.span].to_ascii_lowercase()))
        .collect();
    let first = |item: &str| {
        let inner = item.trim_matches(['\'', '"']);
        inner
            .split(',')
            .next()
            .is_some_and(|one| one.trim().trim_matches('"') == "ag_catalog")
    };
    items.windows(3).any(|three| {
        let named = matches!(three[0].1.as_str(), "search_path" | "'search_path'");
        let given = matches!(three[1].1.as_str(), "=" | "to" | ",");
        named && given && first(&three[2].1)
    })
}

fn index(statement: &Statement, add: &mut impl FnMut(&'static str, String)) {
    let mut reader = Reader::new(&statement.text);
    if !reader.skip(&["CREATE"]) {
        return;
    }
    reader.skip(&["UNIQUE"]);
    if !reader.skip(&["INDEX"]) {
        return;
    }
    if reader.skip(&["CONCURRENTLY"]) && reader.follows(&["IF", "NOT", "EXISTS"]) {
        add(
            "concurrent-if-not-exists",
            "an invalid index of that name would be taken for this one".to_owned(),
        );
    }
    if reader.seek("USING") && reader.follows(&["ivfflat"]) {
        add(
            "ivfflat-before-load",
            "the lists of an ivfflat index come from the rows that are there now".to_owned(),
        );
    }
}
