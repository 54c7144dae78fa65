//! Privileges: from what is granted to what is wanted.

use super::words;
use crate::catalog::name::{Name, quote_literal};
use crate::catalog::{Catalog, Id, Kind};

const OPTION: &str = " with grant option";

/// The statements that turn the privileges `found` on an object into `wanted`.
pub(super) fn change(
    id: &Id,
    database: &str,
    owner: &str,
    found: &[Box<str>],
    wanted: &[Box<str>],
) -> Option<Vec<String>> {
    let target = target(id, database)?;
    let mut statements = Vec::new();
    for item in found.iter().filter(|item| !wanted.contains(item)) {
        statements.push(match read(item)? {
            Item::Granted {
                privilege,
                role,
                option,
            } => {
                let plain = format!("{privilege} to {role}");
                let only_option = option && wanted.iter().any(|other| **other == *plain);
                let what = if only_option { "GRANT OPTION FOR " } else { "" };
                format!("REVOKE {what}{} FROM {role}", target.privilege(privilege))
            }
            Item::Taken(privilege) => format!(
                "GRANT {} TO {}",
                target.privilege(privilege),
                crate::catalog::name::quote_ident(owner)
            ),
        });
    }
    for item in wanted.iter().filter(|item| !found.contains(item)) {
        statements.push(match read(item)? {
            Item::Granted {
                privilege,
                role,
                option,
            } => {
                let option = if option { " WITH GRANT OPTION" } else { "" };
                format!("GRANT {} TO {role}{option}", target.privilege(privilege))
            }
            Item::Taken(privilege) => format!(
                "REVOKE {} FROM {}",
                target.privilege(privilege),
                crate::catalog::name::quote_ident(owner)
            ),
        });
    }
    Some(
        statements
            .into_iter()
            .map(|sql| target.prefix.clone() + &sql)
            .collect(),
    )
}

/// The privileges of a new object: nobody but the owner has any, then those wanted are granted. The
/// default privileges may have granted more in the moment it was made.
pub(super) fn fresh(
    id: &Id,
    database: &str,
    owner: &str,
    wanted: &[Box<str>],
    catalog: &Catalog,
) -> Vec<String> {
    let Some(target) = target(id, database) else {
        return Vec::new();
    };
    let mut given: Vec<&str> = vec!["PUBLIC"];
    for (_, facets) in catalog.of(Kind::DefaultPrivileges) {
        for item in facets.items("grants") {
            if let Some(Item::Granted { role, .. }) = read(item) {
                given.push(role);
            }
        }
    }
    given.sort_unstable();
    given.dedup();
    let mut statements = vec![format!(
        "REVOKE ALL ON {} FROM {}",
        target.object,
        given.join(", ")
    )];
    statements.extend(change(id, database, owner, &[], wanted).unwrap_or_default());
    statements
}

/// What default privileges start from. Source: `acldefault`.
pub(super) fn default_of(id: &Id) -> Vec<Box<str>> {
    if id.name.contains(" in ") {
        return Vec::new();
    }
    match id.name.rsplit_once(" on ").map(|(_, class)| class) {
        _ if id.kind == Kind::ExtensionPrivileges => vec!["EXECUTE to PUBLIC".into()],
        Some("functions") => vec!["EXECUTE to PUBLIC".into()],
        Some("types") => vec!["USAGE to PUBLIC".into()],
        _ => Vec::new(),
    }
}

/// Privileges on the functions of one name that an extension brought: their argument types differ
/// between its versions, so they are looked up where the statement runs.
pub(super) fn member_function(
    id: &Id,
    found: &[Box<str>],
    wanted: &[Box<str>],
) -> Option<Vec<String>> {
    let name: Name = id.name.parse().ok()?;
    let mut change = String::new();
    for (items, verb, preposition, others) in [
        (found, "REVOKE", "FROM", wanted),
        (wanted, "GRANT", "TO", found),
    ] {
        for item in items.iter().filter(|item| !others.contains(item)) {
            let Item::Granted {
                privilege, role, ..
            } = read(item)?
            else {
                return None;
            };
            let text = format!("{verb} {privilege} ON FUNCTION %s {preposition} {role}");
            change.push_str(&format!(
                "EXECUTE format({}, f); ",
                quote_literal(&text).ok()?
            ));
        }
    }
    let (schema, name) = (
        quote_literal(&name.schema).ok()?,
        quote_literal(&name.name).ok()?,
    );
    Some(vec![format!(
        "DO $do$ DECLARE f pg_catalog.regprocedure; BEGIN FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = {schema} AND p.proname = {name} \
         LOOP {change}END LOOP; END $do$"
    )])
}

enum Item<'a> {
    Granted {
        privilege: &'a str,
        role: &'a str,
        option: bool,
    },
    Taken(&'a str),
}

fn read(item: &str) -> Option<Item<'_>> {
    if let Some(privilege) = item.strip_suffix(" taken from the owner") {
        return Some(Item::Taken(privilege));
    }
    let (rest, option) = item
        .strip_suffix(OPTION)
        .map_or((item, false), |rest| (rest, true));
    let (privilege, role) = rest.split_once(" to ")?;
    Some(Item::Granted {
        privilege,
        role,
        option,
    })
}

struct Target {
    prefix: String,
    object: String,
    column: Option<String>,
}

impl Target {
    fn privilege(&self, privilege: &str) -> String {
        match &self.column {
            Some(column) => format!("{privilege} ({column}) ON {}", self.object),
            None => format!("{privilege} ON {}", self.object),
        }
    }
}

fn target(id: &Id, database: &str) -> Option<Target> {
    let plain = |object: String| Target {
        prefix: String::new(),
        object,
        column: None,
    };
    Some(match id.kind {
        Kind::Column => Target {
            prefix: String::new(),
            object: format!("TABLE {}", id.on),
            column: Some(id.name.to_string()),
        },
        Kind::DefaultPrivileges => {
            let (who, class) = id.name.rsplit_once(" on ")?;
            let prefix = match who.split_once(" in ") {
                Some((role, schema)) => {
                    format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA {schema} ")
                }
                None => format!("ALTER DEFAULT PRIVILEGES FOR ROLE {who} "),
            };
            Target {
                prefix,
                object: class.to_uppercase(),
                column: None,
            }
        }
        Kind::View | Kind::MaterializedView => plain(format!("TABLE {}", id.name)),
        Kind::Domain | Kind::Enum | Kind::Composite | Kind::Range => {
            plain(format!("TYPE {}", id.name))
        }
        Kind::Aggregate => plain(format!("FUNCTION {}", id.name)),
        Kind::ForeignServer => plain(format!("FOREIGN SERVER {}", id.name)),
        Kind::ExtensionPrivileges => plain(format!("TABLE {}", id.name)),
        _ => plain(words::object(id, database)?),
    })
}
