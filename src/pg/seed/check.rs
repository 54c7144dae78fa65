//! Whether each context shows its seeded rows, unchanged, and no other rows.
//!
//! Everything is read as the application role, in transactions that cannot write.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::context::Entered;
use super::shape::Shape;
use super::value::{Found, Moment, Record};
use super::{Plan, Source, plain, row};
use crate::catalog::name::{Name, quote_ident};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::access::{Access, Command, Rule};
use crate::spec::seed::{Computed, RowId, Value};

/// How many rows that nobody seeded are named.
const NAMED_MAX: usize = 3;

/// One thing that a context shows and should not, or the other way round.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Difference {
    /// Whose context: the tenant's id, or the user's where the project has no tenants.
    pub context: String,
    /// The table.
    pub table: String,
    /// What is wrong, as a sentence.
    pub what: String,
    /// The row's file and line, if it is about a seeded row.
    pub place: Option<String>,
}

/// What a check looked at.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Checked {
    /// Contexts that were entered.
    pub contexts: usize,
    /// Seeded rows that were looked for.
    pub rows: usize,
    /// What was wrong.
    pub differences: Vec<Difference>,
}

/// Compares what each context sees with what was seeded for it. Nothing is written.
///
/// # Errors
/// Exit 2 when the project has no application role or names no context, else by SQLSTATE.
pub async fn check(
    connection: &mut PgConnection,
    source: Source<'_>,
    access: Option<&Access>,
    report: Report<'_>,
) -> Result<Checked> {
    if source.manifest.roles.application.is_none() {
        return Err(Failure::usage("edu.toml does not say roles.application")
            .detail("A check looks at the rows as the application does."));
    }
    session::reset(connection).await?;
    let shape = Shape::read(connection, source.seed).await?;
    shape.check(source.seed)?;
    let plan = Plan::make(connection, source.manifest, source.seed, shape).await?;
    report(Progress::stage("looking at the rows of each context"));
    session::run(connection, "BEGIN READ ONLY", "begin a transaction").await?;
    let checked = all(connection, &plan, access).await;
    report(Progress::Done);
    let ended = session::run(connection, "ROLLBACK", "end the transaction").await;
    let checked = checked?;
    ended.map(|()| checked)
}

async fn all(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    access: Option<&Access>,
) -> Result<Checked> {
    let now = sqlx::query_scalar("SELECT pg_catalog.now()")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure("ask for the time", &error))?;
    let mut found = Found::default();
    let mut entered = Entered::default();
    for id in &plan.order {
        entered.enter(connection, plan, &found, id.table).await?;
        if plan.asked.contains_key(id) {
            let looked = row::look(connection, plan, *id, &mut found, now).await;
            looked.map_err(|stop| match stop {
                super::Stop::Told(failure) => failure,
                super::Stop::Refused(_) => Failure::bug("a reading was refused as a row"),
            })?;
        }
    }
    let moment = Moment { now, found: &found };
    let owned = owned(plan, access, &moment);
    let mut checked = Checked::default();
    let contexts: std::collections::BTreeSet<&String> = owned.values().collect();
    for context in contexts {
        checked.contexts += 1;
        enter(connection, plan, &owned, context, &moment).await?;
        let mut tables: Vec<&Name> = owned
            .keys()
            .map(|id| &plan.seed.tables[id.table].name)
            .collect();
        tables.sort();
        tables.dedup();
        for table in tables {
            if readable(plan, access, table) {
                let ids: Vec<RowId> = owned
                    .iter()
                    .filter(|(id, of)| *of == context && plan.seed.tables[id.table].name == *table)
                    .map(|(id, _)| *id)
                    .collect();
                one(
                    connection,
                    plan,
                    (context, table),
                    &ids,
                    &moment,
                    &mut checked,
                )
                .await?;
            }
        }
    }
    Ok(checked)
}

/// Whether the promise lets the application see a tenant's rows of the table, all of them.
fn readable(plan: &Plan<'_>, access: Option<&Access>, table: &Name) -> bool {
    let role = plan.manifest.roles.application.as_deref();
    match (access, role) {
        (Some(access), Some(role)) => access.rule(role, table, Command::Select) == Rule::Tenant,
        _ => true,
    }
}

/// The context that each row belongs to: that of its block, or what its tenant column holds.
fn owned(plan: &Plan<'_>, access: Option<&Access>, moment: &Moment<'_>) -> BTreeMap<RowId, String> {
    let tenants = plan.manifest.context.tenant.is_some();
    let mut owned = BTreeMap::new();
    for id in plan.seed.ids() {
        let (table, row) = plan.seed.row(id);
        let given = match tenants {
            true => table.writer.tenant.as_ref(),
            false => table.writer.user.as_ref(),
        };
        let of_block = given.and_then(|cell| match &cell.value {
            Value::Text(text) => Some(text.clone()),
            value => {
                let reference = value.references().first().copied()?;
                let value = plan.resolve(table, cell, reference, moment.found).ok()?;
                Some(plain(&value))
            }
        });
        let of_column = || {
            let promised = access?.table(&table.name)?.tenant.as_ref()?;
            let column = promised.direct()?.to_owned();
            row.cell(&column)?;
            let record = plan
                .record(id, std::slice::from_ref(&column), moment)
                .ok()?;
            record.values.get(&column).map(plain)
        };
        if let Some(context) = of_block.or_else(of_column) {
            owned.insert(id, context);
        }
    }
    owned
}

/// Becomes the application in a context. A tenant's policies may ask for a user: one that writes there is taken.
async fn enter(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    owned: &BTreeMap<RowId, String>,
    context: &str,
    moment: &Moment<'_>,
) -> Result<()> {
    let settings = &plan.manifest.context;
    let user = owned
        .iter()
        .filter(|(_, of)| *of == context)
        .find_map(|(id, _)| {
            let (table, _) = plan.seed.row(*id);
            let cell = table.writer.user.as_ref()?;
            match cell.value.references().first() {
                Some(reference) => plan
                    .resolve(table, cell, reference, moment.found)
                    .ok()
                    .map(|value| plain(&value)),
                None => match &cell.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                },
            }
        });
    let user = user.unwrap_or_default();
    session::run(connection, "RESET ROLE", "enter the context").await?;
    let values = match (&settings.tenant, &settings.user) {
        (Some(tenant), Some(setting)) => vec![(tenant, context), (setting, user.as_str())],
        (Some(setting), None) | (None, Some(setting)) => vec![(setting, context)],
        (None, None) => Vec::new(),
    };
    for (setting, value) in values {
        sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
            .bind(setting)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(|error| failure("enter the context", &error))?;
    }
    let role = plan.manifest.roles.application.as_deref();
    session::become_role_locally(connection, role).await
}

/// Compares one table in one context.
async fn one(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    (context, table): (&str, &Name),
    ids: &[RowId],
    moment: &Moment<'_>,
    checked: &mut Checked,
) -> Result<()> {
    let mut keys: Vec<Record> = Vec::new();
    for id in ids {
        checked.rows += 1;
        let what = match seen(connection, plan, *id, moment).await? {
            Seen::Missing => "is not visible".to_owned(),
            Seen::Same(key) => {
                keys.push(key);
                continue;
            }
            Seen::Differs(key, columns) => {
                keys.push(key);
                format!("has another {}", columns.join(", "))
            }
        };
        let (block, row) = plan.seed.row(*id);
        let excerpt = plan.seed.excerpt(block, row.span.clone(), "");
        checked.differences.push(Difference {
            context: context.to_owned(),
            table: table.to_string(),
            what,
            place: Some(format!("{}:{}", excerpt.path, excerpt.position().0)),
        });
    }
    more(connection, plan, (context, table), keys, checked).await
}

/// Looks for rows that nobody seeded.
async fn more(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    (context, table): (&str, &Name),
    keys: Vec<Record>,
    checked: &mut Checked,
) -> Result<()> {
    let Some(block) = plan.seed.tables.iter().find(|block| block.name == *table) else {
        return Ok(());
    };
    let known: Vec<Json> = keys
        .into_iter()
        .map(|key| Json::Object(key.values))
        .collect();
    let key: Vec<String> = block.key.iter().map(|column| quote_ident(column)).collect();
    let shape = plan.shape.columns(table)?;
    let types: Vec<String> = block
        .key
        .iter()
        .filter_map(|column| {
            Some(format!(
                "{} {}",
                quote_ident(column),
                shape.get(column)?.kind
            ))
        })
        .collect();
    let same: Vec<String> = key
        .iter()
        .map(|name| format!("t.{name} IS NOT DISTINCT FROM r.{name}"))
        .collect();
    let sql = format!(
        "SELECT pg_catalog.count(*) AS more,
                (pg_catalog.array_agg(pg_catalog.concat_ws(', ', {shown})))[1:{NAMED_MAX}] AS keys
         FROM {table} AS t WHERE NOT EXISTS (
           SELECT FROM pg_catalog.jsonb_to_recordset($1) AS r ({types}) WHERE {same})",
        shown = key
            .iter()
            .map(|name| format!("t.{name}"))
            .collect::<Vec<_>>()
            .join(", "),
        types = types.join(", "),
        same = same.join(" AND "),
    );
    let read = sqlx::query(AssertSqlSafe(sql))
        .bind(Json::Array(known))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("look at {table}"), &error))?;
    let more: i64 = read.get("more");
    if more > 0 {
        let keys: Option<Vec<String>> = read.get("keys");
        checked.differences.push(Difference {
            context: context.to_owned(),
            table: table.to_string(),
            what: format!(
                "shows {more} more than was seeded: {} {}",
                block.key.join(", "),
                keys.unwrap_or_default().join("; ")
            ),
            place: None,
        });
    }
    Ok(())
}

enum Seen {
    Missing,
    Same(Record),
    Differs(Record, Vec<String>),
}

/// Looks for one row by its key, and compares what does not depend on time or chance.
async fn seen(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    id: RowId,
    moment: &Moment<'_>,
) -> Result<Seen> {
    let (table, row) = plan.seed.row(id);
    let lasting = |value: &Value| match value {
        Value::Computed(computed) => matches!(
            computed,
            Computed::Sha256(_)
                | Computed::Reference(_)
                | Computed::Embed(_)
                | Computed::Row { .. }
        ),
        _ => true,
    };
    let columns: Vec<String> = row
        .values
        .iter()
        .filter(|cell| lasting(&cell.value))
        .map(|cell| cell.column.clone())
        .collect();
    // A reference to a row that is not there: then this one is not as seeded, either.
    let (Ok(key), Ok(record)) = (
        plan.record(id, &table.key, moment),
        plan.record(id, &columns, moment),
    ) else {
        return Ok(Seen::Missing);
    };
    let names: Vec<String> = columns.iter().map(|column| quote_ident(column)).collect();
    let differ: Vec<String> = names
        .iter()
        .map(|name| {
            format!("pg_catalog.to_jsonb(t.{name}) IS DISTINCT FROM pg_catalog.to_jsonb(r.{name})")
        })
        .collect();
    let sql = format!(
        "SELECT ARRAY[{}]::bool[] FROM {} AS t, {} WHERE {}",
        differ.join(", "),
        table.name,
        row::source(plan, table, &record)?,
        row::matching(table, &record)
    );
    let read: Option<Vec<bool>> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(Json::Object(record.values))
        .fetch_optional(connection)
        .await
        .map_err(|error| {
            failure(&format!("look at a row of {}", table.name), &error).at(plan.seed.excerpt(
                table,
                row.span.clone(),
                "here",
            ))
        })?;
    let Some(differ) = read else {
        return Ok(Seen::Missing);
    };
    let other: Vec<String> = columns
        .into_iter()
        .zip(differ)
        .filter(|(_, differs)| *differs)
        .map(|(column, _)| column)
        .collect();
    Ok(match other.is_empty() {
        true => Seen::Same(key),
        false => Seen::Differs(key, other),
    })
}
