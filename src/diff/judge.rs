//! What a difference means: how much it matters, and what follows from it.
//!
//! The words are a table: one line per kind and facet. What widens access comes first in the report,
//! so this is where it is decided what widens access.

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

/// What follows from a facet being other than wanted.
fn consequence(kind: Kind, facet: &str, found: &Facets) -> &'static str {
    match (kind, facet) {
        (Kind::Table, "row_security") if found.flag(facet) => {
            "without policies nobody but the owner sees a row"
        }
        (Kind::Table, "row_security") => {
            "no policy is applied: every role with a privilege sees every tenant"
        }
        (Kind::Table, "forced") if found.flag(facet) => "the owner is bound by the policies too",
        (Kind::Table, "forced") => "queries run as the owner see every tenant",
        (Kind::Table, "persistence") => {
            "an unlogged table is empty after a crash and is not replicated"
        }
        (Kind::Table, "replica_identity") => {
            "replicated updates and deletes find their rows by other columns"
        }
        (Kind::Policy, "using") => "other rows are visible, or can be changed",
        (Kind::Policy, "check") => "other rows can be written",
        (Kind::Policy, "roles") => "it is applied to other roles",
        (Kind::Policy, "command") => "it is applied to other commands",
        (Kind::Policy, "restrictive") => {
            "it widens where it has to narrow, or narrows where it has to widen"
        }
        (Kind::Role, "superuser") => "a superuser is bound by nothing",
        (Kind::Role, "bypass_rls") => "no policy is applied to it",
        (Kind::Role, "create_role") => "it can make roles and grant them",
        (Kind::Role, "login") => "it can, or can no longer, connect itself",
        (Kind::Role, "no_inherit") => "it has the rights of its roles without asking for them",
        (Kind::Membership, "set" | "inherit" | "admin") => {
            "the role has, or can take, rights of the other one"
        }
        (Kind::Function | Kind::Procedure, "security_definer") if found.flag(facet) => {
            "it runs with its owner's rights, past the caller's policies"
        }
        (Kind::Function | Kind::Procedure, "security_definer") => {
            "it runs with the caller's rights"
        }
        (Kind::Function | Kind::Procedure, "leakproof") => "it sees rows before the policies do",
        (Kind::Function | Kind::Procedure, "settings") => {
            "names inside it may be looked up in schemas of the caller's choice"
        }
        (Kind::Function | Kind::Procedure, "volatility") => {
            "results may be kept for too long, or computed too often"
        }
        (Kind::Function | Kind::Procedure | Kind::Aggregate, _) => "it does something else",
        (Kind::Constraint, "not_validated") => "rows from before it are not checked",
        (Kind::Constraint, "not_enforced" | "triggers_disabled") => "it is not enforced",
        (Kind::Constraint, "not_valid_index") | (Kind::Index, "not_valid") => {
            "no query uses it; writes may still keep it up"
        }
        (Kind::Index, "not_ready") => "it is not kept up by writes",
        (Kind::Index, "options") => {
            "it is built with other parameters: recall, size or speed differ"
        }
        (Kind::Index, "definition") => "queries that need it may not be served by it",
        (Kind::Trigger | Kind::Rule | Kind::EventTrigger, "enabled") => {
            "it fires at other times, or not at all"
        }
        (Kind::View, "options") => {
            "it reads with its owner's rights, past the policies of the reader"
        }
        (Kind::MaterializedView, "not_populated") => "reading it fails until it is refreshed",
        (Kind::Column, "type") => "values are stored and compared as another type",
        (Kind::Column, "not_null") if found.flag(facet) => "writes without a value fail",
        (Kind::Column, "not_null") => "rows without a value are accepted",
        (Kind::Column, "default" | "generated" | "identity") => {
            "rows written without this column get another value"
        }
        (Kind::Column, "collation") => "values are compared and sorted otherwise",
        (Kind::Column, "storage" | "compression" | "statistics" | "options") => {
            "size or plans differ"
        }
        (Kind::Enum, "values") => "values are missing, unknown or sorted otherwise",
        (Kind::Sequence, "behind") => "the next insert takes a number that is there already",
        (Kind::Extension, "version") => "it is not the version the spec was proved with",
        (Kind::Setting, "value") => "sessions run with another value",
        (Kind::Label, "no_table" | "other_name") => "graph queries do not find its rows",
        (Kind::Graph, "other_number") => {
            "the graph was restored from a dump and not mended: AGE 1.8 cannot read it"
        }
        (Kind::Database, "collate" | "ctype" | "locale" | "locale_provider") => {
            "texts may be sorted otherwise"
        }
        (_, "comment") => "it is described otherwise",
        _ => "it is not what the spec describes",
    }
}
