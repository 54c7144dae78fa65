//! What follows from a facet that is other than wanted: one line per kind and facet.

use crate::catalog::{Facets, Kind};

/// What follows from a facet being other than wanted.
pub(super) fn consequence(kind: Kind, facet: &str, found: &Facets) -> &'static str {
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
        _ => of_structure(kind, facet, found),
    }
}

/// What follows where nobody may do more than before.
fn of_structure(kind: Kind, facet: &str, found: &Facets) -> &'static str {
    match (kind, facet) {
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
