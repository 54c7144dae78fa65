//! Statements that remove what the spec does not know. Never CASCADE: what depends on it is told too.

use super::{grant, words};
use crate::catalog::{Facets, Id, Kind};

/// The statements that remove an object; nothing where removing it is no mere mending.
pub fn drop(id: &Id, facets: &Facets, database: &str) -> Option<Vec<String>> {
    let Id { kind, on, name } = id;
    let statement = match kind {
        // The rows of a table, column or sequence would go with it: a person decides that.
        Kind::Table | Kind::Column | Kind::Database | Kind::Role | Kind::Graph | Kind::Label => {
            return None;
        }
        Kind::Extension | Kind::Subscription => return None,
        Kind::ExtensionPrivileges if facets.text("member") == "function" => {
            return grant::member_function(id, facets.items("grants"), &grant::default_of(id));
        }
        Kind::ExtensionPrivileges => {
            return grant::change(id, database, "", facets.items("grants"), &[]);
        }
        Kind::Setting => return Some(vec![super::setting::reset_setting(id, database)]),
        Kind::Membership => format!("REVOKE {name} FROM {on}"),
        Kind::Constraint => format!("ALTER TABLE {on} DROP CONSTRAINT {name}"),
        Kind::Index => format!("DROP INDEX {}", words::index(id)),
        Kind::UserMapping => format!("DROP USER MAPPING FOR {name} SERVER {on}"),
        Kind::DefaultPrivileges => {
            let none = grant::default_of(id);
            return grant::change(id, database, "", facets.items("grants"), &none);
        }
        _ => format!("DROP {}", words::object(id, database)?),
    };
    Some(vec![statement])
}

/// The statements that remove an object with what is in it, for a person to run who has looked: the first
/// line is a comment that says what is lost.
pub(super) fn lossy(id: &Id, facets: &Facets) -> Option<Vec<String>> {
    let Id { kind, on, name } = id;
    let (lost, statement) = match kind {
        Kind::Table if facets.get("server").is_some() => (
            "its rows stay where they are",
            format!("DROP FOREIGN TABLE {name}"),
        ),
        Kind::Table => ("DATA LOSS: its rows", format!("DROP TABLE {name}")),
        Kind::Column => (
            "DATA LOSS: its values",
            format!("ALTER TABLE {on} DROP COLUMN {name}"),
        ),
        Kind::Extension => (
            "DATA LOSS: what its types and functions hold; refused while anything needs it",
            format!("DROP EXTENSION {name}"),
        ),
        _ => return None,
    };
    Some(vec![format!("-- {lost}"), statement])
}
