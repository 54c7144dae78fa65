//! Statements that set and reset settings of a database, a role, or a role in a database.

use super::routine::{quote_setting, setting_value};
use crate::catalog::{Id, Value};

/// Settings of a role in every database.
pub(super) fn role_settings(
    id: &Id,
    wanted: Option<&Value>,
    found: Option<&Value>,
) -> Option<Vec<String>> {
    let items = |value: Option<&Value>| value.map_or(Vec::new(), |v| v.items().to_vec());
    let (wanted, found) = (items(wanted), items(found));
    let mut statements = Vec::new();
    for item in found.iter().filter(|item| !wanted.contains(item)) {
        let name = item.split_once('=')?.0;
        statements.push(format!(
            "ALTER ROLE {} RESET {}",
            id.name,
            quote_setting(name)
        ));
    }
    for item in wanted.iter().filter(|item| !found.contains(item)) {
        let (name, value) = item.split_once('=')?;
        statements.push(format!(
            "ALTER ROLE {} SET {} TO {}",
            id.name,
            quote_setting(name),
            setting_value(name, value)?
        ));
    }
    Some(statements)
}

/// The name of a setting and whose it is.
fn setting_target(id: &Id, database: &str) -> (String, String) {
    let (name, role) = match id.name.split_once(" for ") {
        Some((name, role)) => (name, Some(role)),
        None => (&*id.name, None),
    };
    let name = quote_setting(name.trim_matches('"'));
    match role {
        Some(role) => (name, format!("ROLE {role} IN DATABASE {database}")),
        None => (name, format!("DATABASE {database}")),
    }
}

/// Sets a setting of the database.
pub(super) fn set_setting(id: &Id, value: &str, database: &str) -> Option<String> {
    let (name, target) = setting_target(id, database);
    let plain = id
        .name
        .split_once(" for ")
        .map_or(&*id.name, |(name, _)| name);
    Some(format!(
        "ALTER {target} SET {name} TO {}",
        setting_value(plain.trim_matches('"'), value)?
    ))
}

/// Resets a setting of the database.
pub(super) fn reset_setting(id: &Id, database: &str) -> String {
    let (name, target) = setting_target(id, database);
    format!("ALTER {target} RESET {name}")
}
