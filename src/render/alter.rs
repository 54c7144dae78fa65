//! Statements that bring one facet back to what is expected.

use super::create::{index, options, role};
use super::routine::routine;
use super::setting::{role_settings, set_setting};
use super::table::{column, sequence_name};
use super::types::{domain, enum_values, sequence};
use super::{create, grant, words};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::catalog::{Catalog, Facets, Id, Kind, Value};

/// What a repair needs to know.
pub(super) struct Context<'a> {
    pub id: &'a Id,
    pub expected: &'a Catalog,
    pub actual: &'a Catalog,
    /// The database's name, quoted.
    pub database: &'a str,
}

impl<'a> Context<'a> {
    /// The object as it is expected.
    pub fn wanted(&self) -> Option<&'a Facets> {
        self.expected.objects.get(self.id)
    }

    fn found(&self) -> Option<&'a Facets> {
        self.actual.objects.get(self.id)
    }

    /// Drops the object and makes it as expected: for what has no ALTER and holds no rows.
    fn anew(&self) -> Option<Vec<String>> {
        let mut statements = super::drop(self.id, self.found()?, self.database)?;
        statements.extend(create(self.id, self.expected, self.database)?);
        Some(statements)
    }
}

/// The statements for one facet; nothing where there are none.
pub(super) fn facet(
    context: &Context<'_>,
    facet: &str,
    wanted: Option<&Value>,
    found: Option<&Value>,
) -> Option<Vec<String>> {
    let Context { id, database, .. } = *context;
    let one = |sql: String| Some(vec![sql]);
    match facet {
        "grants" => {
            let items = |value: Option<&'_ Value>| value.map_or(Vec::new(), |v| v.items().to_vec());
            if context.wanted()?.text("member") == "function" {
                return grant::member_function(id, &items(found), &items(wanted));
            }
            let owner = context.wanted()?.text("owner");
            return grant::change(id, database, owner, &items(found), &items(wanted));
        }
        // A sequence goes with the table that owns it.
        "owner" if context.wanted()?.get("owned_by").is_some() => return None,
        "owner" => return one(words::owner(id, database, wanted?.text()?)?),
        "comment" => return one(words::comment(id, database, wanted.and_then(Value::text))?),
        "enabled" => return one(enabled(id, wanted.and_then(Value::text))?),
        _ => {}
    }
    match id.kind {
        Kind::Table => table(context, facet, wanted, found),
        Kind::Column => alter_column(context, facet, wanted, found),
        Kind::Constraint => constraint(context, facet),
        Kind::Index => alter_index(context, facet),
        Kind::Policy | Kind::Trigger | Kind::Rule | Kind::Statistics | Kind::Publication => {
            context.anew()
        }
        Kind::EventTrigger | Kind::DefaultPrivileges => context.anew(),
        Kind::Function | Kind::Procedure if matches!(facet, "returns" | "arguments") => {
            context.anew()
        }
        Kind::Function | Kind::Procedure => one(routine(id, context.wanted()?)?),
        Kind::View if facet == "options" => view_options(id, found, wanted),
        Kind::View => {
            let f = context.wanted()?;
            let with = match f.items("options") {
                [] => String::new(),
                items => format!(" WITH ({})", options(items)),
            };
            one(format!(
                "CREATE OR REPLACE VIEW {}{with} AS\n{}",
                id.name,
                f.text("definition")
            ))
        }
        Kind::MaterializedView if facet == "not_populated" => {
            one(format!("REFRESH MATERIALIZED VIEW {}", id.name))
        }
        Kind::MaterializedView if facet == "definition" => context.anew(),
        Kind::Sequence => sequence(context, facet),
        Kind::Enum => enum_values(id, wanted, found),
        Kind::Role if facet == "settings" => role_settings(id, wanted, found),
        Kind::Role => one(format!("ALTER ROLE {}{}", id.name, role(context.wanted()?))),
        Kind::Membership => {
            let mut statements = vec![format!("REVOKE {} FROM {}", id.name, id.on)];
            statements.extend(create(id, context.expected, database)?);
            Some(statements)
        }
        Kind::Setting => one(set_setting(id, wanted?.text()?, database)?),
        Kind::Database if facet == "connection_limit" => one(format!(
            "ALTER DATABASE {database} CONNECTION LIMIT {}",
            wanted.map_or("-1".to_owned(), ToString::to_string)
        )),
        Kind::Domain => domain(context, facet, wanted),
        Kind::Extension if facet == "version" => {
            let version = quote_literal(wanted?.text()?).ok()?;
            one(format!("ALTER EXTENSION {} UPDATE TO {version}", id.name))
        }
        _ => None,
    }
}

fn table(
    context: &Context<'_>,
    facet: &str,
    wanted: Option<&Value>,
    found: Option<&Value>,
) -> Option<Vec<String>> {
    let alter = format!("ALTER TABLE {}", context.id.name);
    let on = wanted == Some(&Value::Flag(true));
    let sql = match facet {
        "row_security" if on => format!("{alter} ENABLE ROW LEVEL SECURITY"),
        "row_security" => format!("{alter} DISABLE ROW LEVEL SECURITY"),
        "forced" if on => format!("{alter} FORCE ROW LEVEL SECURITY"),
        "forced" => format!("{alter} NO FORCE ROW LEVEL SECURITY"),
        "persistence" if wanted.is_none() => format!("{alter} SET LOGGED"),
        "persistence" => format!("{alter} SET UNLOGGED"),
        "replica_identity" => match wanted.and_then(Value::text) {
            None => format!("{alter} REPLICA IDENTITY DEFAULT"),
            Some("index") => return None,
            Some(other) => format!("{alter} REPLICA IDENTITY {}", other.to_uppercase()),
        },
        "options" => return changed_options(&alter, "", found, wanted),
        "toast_options" => return changed_options(&alter, "toast.", found, wanted),
        _ => return None,
    };
    Some(vec![sql])
}

/// Sets what is wanted and resets what is not.
fn changed_options(
    alter: &str,
    prefix: &str,
    found: Option<&Value>,
    wanted: Option<&Value>,
) -> Option<Vec<String>> {
    let items = |value: Option<&Value>| value.map_or(Vec::new(), |v| v.items().to_vec());
    let (found, wanted) = (items(found), items(wanted));
    let key = |item: &str| {
        item.split_once('=')
            .map_or(item.to_owned(), |(key, _)| key.to_owned())
    };
    let mut statements = Vec::new();
    let gone: Vec<String> = found
        .iter()
        .map(|item| key(item))
        .filter(|name| !wanted.iter().any(|other| key(other) == *name))
        .map(|name| format!("{prefix}{}", quote_ident(&name)))
        .collect();
    if !gone.is_empty() {
        statements.push(format!("{alter} RESET ({})", gone.join(", ")));
    }
    for item in wanted.iter().filter(|item| !found.contains(item)) {
        statements.push(format!(
            "{alter} SET ({prefix}{})",
            options(std::slice::from_ref(item))
        ));
    }
    Some(statements)
}

fn view_options(id: &Id, found: Option<&Value>, wanted: Option<&Value>) -> Option<Vec<String>> {
    changed_options(&format!("ALTER VIEW {}", id.name), "", found, wanted)
}

fn alter_column(
    context: &Context<'_>,
    facet: &str,
    wanted: Option<&Value>,
    found: Option<&Value>,
) -> Option<Vec<String>> {
    let id = context.id;
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", id.on, id.name);
    let sql = match (facet, wanted) {
        ("not_null", Some(_)) => format!("{alter} SET NOT NULL"),
        ("not_null", None) => format!("{alter} DROP NOT NULL"),
        ("default", _) if context.wanted()?.get("generated").is_some() => return None,
        ("default", _) if context.found()?.get("generated").is_some() => return None,
        ("default", Some(value)) => format!("{alter} SET DEFAULT {value}"),
        ("default", None) => format!("{alter} DROP DEFAULT"),
        ("identity", Some(value)) if found.is_some() => {
            format!("{alter} SET GENERATED {}", value.to_string().to_uppercase())
        }
        ("identity", Some(value)) => format!(
            "{alter} ADD GENERATED {} AS IDENTITY{}",
            value.to_string().to_uppercase(),
            sequence_name(id, context.expected)
        ),
        ("identity", None) => format!("{alter} DROP IDENTITY"),
        ("statistics", value) => format!(
            "{alter} SET STATISTICS {}",
            value.map_or("-1".to_owned(), ToString::to_string)
        ),
        ("storage", value) => format!(
            "{alter} SET STORAGE {}",
            value.map_or("DEFAULT".to_owned(), ToString::to_string)
        ),
        ("compression", value) => format!(
            "{alter} SET COMPRESSION {}",
            value.map_or("default".to_owned(), ToString::to_string)
        ),
        ("options", _) => return changed_options(&alter, "", found, wanted),
        // Values may be lost or refused: the statement is right, whether to run it is a decision.
        ("type" | "collation", _) => {
            let written = column(id, context.wanted()?, None);
            let type_ = written.strip_prefix(&*id.name)?.split(" DEFAULT ").next()?;
            let type_ = type_
                .split(" GENERATED ")
                .next()?
                .trim_end_matches(" NOT NULL")
                .trim();
            format!(
                "{alter} TYPE {type_} USING {}::{}",
                id.name,
                context.wanted()?.text("type")
            )
        }
        _ => return None,
    };
    Some(vec![sql])
}

fn constraint(context: &Context<'_>, facet: &str) -> Option<Vec<String>> {
    let Id { on, name, .. } = context.id;
    let wanted = context.wanted()?;
    let sql = match facet {
        "not_validated" if !wanted.flag(facet) => {
            format!("ALTER TABLE {on} VALIDATE CONSTRAINT {name}")
        }
        "triggers_disabled" => format!("ALTER TABLE {on} ENABLE TRIGGER ALL"),
        "clustered" if wanted.flag(facet) => format!("ALTER TABLE {on} CLUSTER ON {name}"),
        "clustered" => format!("ALTER TABLE {on} SET WITHOUT CLUSTER"),
        "replica_identity" if wanted.flag(facet) => {
            format!("ALTER TABLE {on} REPLICA IDENTITY USING INDEX {name}")
        }
        "not_valid_index" => format!("REINDEX INDEX {}", words::index(context.id)),
        "replica_identity" | "options" | "tablespace" => return None,
        _ if matches!(wanted.text("type"), "check" | "foreign key") => return context.anew(),
        // Others may lean on a key: dropping it is a decision.
        _ => return None,
    };
    Some(vec![sql])
}

fn alter_index(context: &Context<'_>, facet: &str) -> Option<Vec<String>> {
    let id = context.id;
    let wanted = context.wanted()?;
    let drop = format!("DROP INDEX {}", words::index(id));
    Some(match facet {
        "definition" | "options" | "unique" => vec![drop, index(id, wanted)],
        "not_valid" | "not_ready" => vec![format!("REINDEX INDEX {}", words::index(id))],
        "clustered" if wanted.flag(facet) => {
            vec![format!("ALTER TABLE {} CLUSTER ON {}", id.on, id.name)]
        }
        "clustered" => vec![format!("ALTER TABLE {} SET WITHOUT CLUSTER", id.on)],
        "replica_identity" if wanted.flag(facet) => {
            vec![format!(
                "ALTER TABLE {} REPLICA IDENTITY USING INDEX {}",
                id.on, id.name
            )]
        }
        _ => return None,
    })
}

/// Enables a trigger, rule or event trigger as expected; nothing means as usual.
pub(super) fn enabled(id: &Id, state: Option<&str>) -> Option<String> {
    let word = match state {
        None => "ENABLE",
        Some("disabled") => "DISABLE",
        Some("replica") => "ENABLE REPLICA",
        Some(_) => "ENABLE ALWAYS",
    };
    Some(match id.kind {
        Kind::Trigger => format!("ALTER TABLE {} {word} TRIGGER {}", id.on, id.name),
        Kind::Rule => format!("ALTER TABLE {} {word} RULE {}", id.on, id.name),
        Kind::EventTrigger => format!("ALTER EVENT TRIGGER {} {word}", id.name),
        _ => return None,
    })
}
