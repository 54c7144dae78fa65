//! The migration files that `edu db generate` writes.

use std::path::PathBuf;

use crate::render::script::{Line, Phase};

/// What the files are made of.
pub(super) struct Content<'a> {
    /// The migration's name.
    pub name: &'a str,
    /// The last version there is.
    pub last: i64,
    /// Renames, which come first.
    pub renames: &'a [String],
    /// The way there.
    pub up: &'a [Line],
    /// The way back.
    pub down: &'a [Line],
    /// What the way back leaves as it is.
    pub stays: &'a [String],
}

/// The files: values first, then the change, then indexes, each with its way back.
pub(super) fn files(content: &Content<'_>) -> Vec<(PathBuf, String)> {
    let of = |wanted: fn(Phase) -> bool| -> Vec<&Line> {
        let lines = content.up.iter();
        lines.filter(|line| wanted(line.phase)).collect()
    };
    let values = of(|phase| phase == Phase::Value);
    let indexes = of(|phase| phase == Phase::Index);
    let change = of(|phase| !matches!(phase, Phase::Value | Phase::Index));
    let (index_back, back): (Vec<&Line>, Vec<&Line>) = content
        .down
        .iter()
        .partition(|line| line.sql.starts_with("DROP INDEX ") && !indexes.is_empty());
    let mut parts = Vec::new();
    if !values.is_empty() {
        parts.push(("_values", of_values(&values), String::new()));
    }
    if !change.is_empty() || !content.renames.is_empty() {
        parts.push(("", of_change(content, &change), undo(content, &back)));
    }
    if !indexes.is_empty() {
        parts.push(("_indexes", of_indexes(&indexes), undo_indexes(&index_back)));
    }
    let mut files = Vec::new();
    for (at, (suffix, up, down)) in (1..).zip(parts) {
        let version = content.last + at;
        let stem = format!("migrations/V{version:04}__{}{suffix}", content.name);
        files.push((PathBuf::from(format!("{stem}.sql")), up));
        if !down.is_empty() {
            files.push((PathBuf::from(format!("{stem}.down.sql")), down));
        }
    }
    files
}

fn of_values(values: &[&Line]) -> String {
    format!(
        "-- edu: no-transaction\n\
         -- Intent: values of enumerated types, committed before anything uses them.\n\
         -- Undo: none; a value cannot be taken out of a type.\n\n{}",
        lines(values)
    )
}

fn of_change(content: &Content<'_>, change: &[&Line]) -> String {
    let mut text = format!("-- Intent: {}.\n", content.name.replace('_', " "));
    if !content.stays.is_empty() {
        let stays = content.stays.join("; ").replace('\n', " ");
        text.push_str(&format!("-- Undo: the way back leaves {stays}.\n"));
    }
    text.push('\n');
    // A function may come before the table that its text names.
    if change
        .iter()
        .any(|line| line.sql.starts_with("CREATE OR REPLACE "))
    {
        text.push_str("SET LOCAL check_function_bodies = off;\n");
    }
    for rename in content.renames {
        text.push_str(&format!("{rename};\n"));
    }
    text + &lines(change)
}

/// The way back. A rename has none here: the author has both names before their eyes.
fn undo(content: &Content<'_>, back: &[&Line]) -> String {
    if back.is_empty() || !content.renames.is_empty() {
        return String::new();
    }
    let name = content.name.replace('_', " ");
    format!("-- Undo: {name}.\n\n{}", lines(back))
}

fn of_indexes(indexes: &[&Line]) -> String {
    format!(
        "-- edu: no-transaction\n-- Intent: indexes, built while the tables are in use.\n\n{}",
        lines(indexes)
    )
}

fn undo_indexes(back: &[&Line]) -> String {
    if back.is_empty() {
        return String::new();
    }
    let drops: String = back
        .iter()
        .map(|line| {
            line.sql
                .replacen("DROP INDEX ", "DROP INDEX CONCURRENTLY ", 1)
                + ";\n"
        })
        .collect();
    format!("-- edu: no-transaction\n\n{drops}")
}

fn lines(list: &[&Line]) -> String {
    list.iter()
        .map(|line| match &line.hazard {
            Some(hazard) => format!("-- Hazard: {hazard}.\n{};\n", line.sql),
            None => format!("{};\n", line.sql),
        })
        .collect()
}
