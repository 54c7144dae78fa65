//! What a difference means: how much it matters, and what follows from it.
//!
//! The words are a table: one line per kind and facet. What widens access comes first in the report,
//! so this is where it is decided what widens access.

use super::consequence::consequence;
use super::{Change, Difference, Severity};
use crate::catalog::{Catalog, Facets, Id, Kind, Value};

/// A whole object that the database lacks.
pub(super) fn missing(id: &Id, wanted: &Facets) -> Difference {
    use Severity::{Access, Error};
    let (severity, consequence) = match id.kind {
        Kind::Policy if wanted.flag("restrictive") => {
            (Access, "rows that this policy holds back are let through")
        }
        Kind::Policy => (Error, "the rows that this policy admits are out of reach"),
        Kind::Constraint if wanted.text("type") == "foreign key" => {
            (Error, "rows may point at nothing")
        }
        Kind::Constraint if wanted.text("type") == "check" => {
            (Error, "rows that the check refuses are accepted")
        }
        Kind::Constraint => (Error, "duplicate rows are accepted"),
        Kind::Index => (Error, "queries that need it read the whole table"),
        Kind::Trigger | Kind::Rule | Kind::EventTrigger => (Error, "what it does is not done"),
        Kind::DefaultPrivileges => (
            Access,
            "objects made later get the server's own privileges, EXECUTE for PUBLIC among them",
        ),
        Kind::ExtensionPrivileges => (Access, "everybody may use it again"),
        Kind::Setting => (Error, "sessions run with the server's value"),
        Kind::Label => (Error, "graph queries do not find it"),
        Kind::Extension => (Error, "what it brings does not work"),
        Kind::Membership => (Error, "the role cannot become the other one"),
        Kind::Schema if &*id.name == "ag_catalog" => (Error, "graph queries do not work"),
        _ => (Error, "statements that use it fail"),
    };
    told(id, Change::Missing, severity, consequence)
}

/// A whole object that the spec does not know.
pub(super) fn unexpected(id: &Id, found: &Facets, actual: &Catalog) -> Difference {
    use Severity::{Access, Error};
    let (severity, consequence) = match id.kind {
        Kind::Policy if found.flag("restrictive") => {
            (Error, "rows that were in reach are held back")
        }
        Kind::Policy => (Access, "rows beyond those of the spec are let through"),
        Kind::Function | Kind::Procedure if found.flag("security_definer") => {
            (Access, "it runs with its owner's rights")
        }
        Kind::Membership => (
            Access,
            "the role has, or can take, the rights of the other one",
        ),
        Kind::Role if found.flag("superuser") || found.flag("bypass_rls") => {
            (Access, "it is bound by no policy")
        }
        Kind::DefaultPrivileges => (
            Access,
            "objects made later are granted more, or less, than the spec says",
        ),
        Kind::ExtensionPrivileges => (Access, "privileges on an extension's member were changed"),
        Kind::View if !invoker(found) => (
            Access,
            "it reads with its owner's rights, past the policies of the reader",
        ),
        Kind::MaterializedView if found.get("grants").is_some() => {
            (Access, "it holds rows past all policies")
        }
        Kind::Table if found.get("grants").is_some() && !found.flag("row_security") => {
            (Access, "others may use it, and no policy guards its rows")
        }
        Kind::Publication | Kind::Subscription => {
            (Access, "rows leave or enter the database past all policies")
        }
        Kind::Rule | Kind::Trigger | Kind::EventTrigger => {
            (Error, "it does something the spec does not ask for")
        }
        Kind::Constraint => (Error, "rows that the spec admits may be refused"),
        Kind::Index => (
            Error,
            "every write keeps it up, and no query of the spec needs it",
        ),
        Kind::Setting => (Error, "sessions run with another value than the spec's"),
        Kind::Table => match label_of(id, actual) {
            true => (
                Error,
                "it lies in a graph's schema and is no registered label",
            ),
            false => (Error, "the spec does not describe it"),
        },
        _ => (Error, "the spec does not describe it"),
    };
    told(id, Change::Unexpected, severity, consequence)
}

/// One facet that differs.
pub(super) fn facet(id: &Id, change: Change, wanted: &Facets, found: &Facets) -> Difference {
    let Change::Facet {
        facet,
        expected,
        actual,
    } = &change
    else {
        return told(id, change, Severity::Error, "");
    };
    let (severity, consequence) = match *facet {
        "grants" => grants(id, expected.as_ref(), actual.as_ref()),
        "owner" => (
            Severity::Access,
            "another role has all rights on it and is bound by no unforced policy",
        ),
        _ if access(id.kind, facet, wanted, found) => {
            (Severity::Access, consequence(id.kind, facet, found))
        }
        _ if id.kind == Kind::Table && *facet == "columns" => (
            Severity::Note,
            "rows written or read without column names mean other columns",
        ),
        _ if note(id.kind, facet) => (Severity::Note, consequence(id.kind, facet, found)),
        _ => (Severity::Error, consequence(id.kind, facet, found)),
    };
    told(id, change, severity, consequence)
}

fn told(id: &Id, change: Change, severity: Severity, consequence: &str) -> Difference {
    Difference {
        id: id.clone(),
        change,
        severity,
        consequence: consequence.to_owned(),
        hint: None,
    }
}

/// Granted more is widened access, granted less is a failing statement.
fn grants(id: &Id, expected: Option<&Value>, actual: Option<&Value>) -> (Severity, &'static str) {
    let empty = Value::List(Box::new([]));
    let (expected, actual) = (expected.unwrap_or(&empty), actual.unwrap_or(&empty));
    let more: Vec<_> = actual
        .items()
        .iter()
        .filter(|item| !expected.items().contains(item) && !item.ends_with("taken from the owner"))
        .collect();
    match more.as_slice() {
        [] => (Severity::Error, "statements that need the privilege fail"),
        more if more.iter().any(|item| item.contains(" to PUBLIC")) => {
            (Severity::Access, "every role of the server may do this")
        }
        _ if id.kind == Kind::DefaultPrivileges => {
            (Severity::Access, "objects made later are granted more")
        }
        _ => (
            Severity::Access,
            "the role may do more than the spec lets it",
        ),
    }
}

/// Whether this difference can let somebody do or see more.
fn access(kind: Kind, facet: &str, wanted: &Facets, found: &Facets) -> bool {
    match (kind, facet) {
        (Kind::Table, "row_security" | "forced") => !found.flag(facet),
        (Kind::Policy, "using" | "check" | "roles" | "command" | "restrictive") => true,
        (
            Kind::Role,
            "superuser" | "bypass_rls" | "create_role" | "create_database" | "replication"
            | "login",
        ) => found.flag(facet),
        (Kind::Role, "no_inherit") => !found.flag(facet),
        (Kind::Membership, _) => found.flag(facet),
        (Kind::Function | Kind::Procedure, "security_definer" | "leakproof") => found.flag(facet),
        (Kind::Function | Kind::Procedure, "settings") => {
            wanted.flag("security_definer") || found.flag("security_definer")
        }
        (Kind::View, "options") => invoker(wanted) && !invoker(found),
        _ => false,
    }
}

fn invoker(facets: &Facets) -> bool {
    facets.items("options").iter().any(|option| {
        matches!(
            &**option,
            "security_invoker=true" | "security_invoker=on" | "security_invoker=1"
        )
    })
}

/// Whether this difference is the place's, not the structure's.
fn note(kind: Kind, facet: &str) -> bool {
    matches!(
        (kind, facet),
        (
            Kind::Database,
            "collate" | "ctype" | "locale" | "locale_provider"
        ) | (_, "comment")
    )
}

fn label_of(id: &Id, actual: &Catalog) -> bool {
    actual
        .of(Kind::Graph)
        .any(|(graph, _)| id.name.starts_with(&format!("{}.", graph.name)))
}
