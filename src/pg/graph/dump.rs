//! A graph as lines of NDJSON, vertices first, in one snapshot.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::query::{self, Asker};
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::graph::compare::{PARENTS, Wanted};
use crate::graph::expression::text_of;
use crate::graph::query::json;
use crate::graph::transfer::{End, Item, key};
use crate::pg::error::failure;
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::ontology::{Label, LabelKind};

/// How many rows are fetched at a time. Memory is bounded by that.
const FETCH: u32 = 5_000;

/// Hands every vertex and then every edge to `take`, as a line without its end.
///
/// # Errors
/// Exit 8 when the user cannot see every row and no tenant was given; else by SQLSTATE, and those of `take`.
pub async fn dump(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    tenant: Option<&str>,
    report: Report<'_>,
    mut take: impl FnMut(&str) -> Result<()>,
) -> Result<u64> {
    super::load::way(connection, tenant).await?;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    session::run(connection, begin, "begin a transaction").await?;
    match tenant {
        None => {
            session::run(
                connection,
                "SET LOCAL row_security = off",
                "switch silent filters off",
            )
            .await?
        }
        Some(tenant) => {
            let asker = Asker {
                tenant: Some(tenant.to_owned()),
                user: None,
            };
            query::context(connection, wanted.manifest, &asker).await?;
            session::become_role_locally(connection, wanted.application()).await?;
        }
    }
    report(Progress::stage(format!(
        "dumping graph {}",
        wanted.ontology.graph
    )));
    let mut labels: Vec<&Label> = wanted.ontology.labels.iter().collect();
    labels.sort_by_key(|label| label.kind);
    let mut count = 0;
    for label in labels {
        report(Progress::Detail(label.name.clone()));
        count += one(connection, wanted, label, &mut take).await?;
    }
    report(Progress::Done);
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    Ok(count)
}

async fn one(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    label: &Label,
    take: &mut impl FnMut(&str) -> Result<()>,
) -> Result<u64> {
    let doing = format!("dump {}", label.name);
    let select = select(wanted, label)?;
    session::run(
        connection,
        &format!("DECLARE edu_dump CURSOR FOR {select}"),
        &doing,
    )
    .await?;
    let mut count = 0;
    loop {
        // Not prepared: the columns differ from label to label under one text.
        let rows = sqlx::raw_sql(AssertSqlSafe(format!("FETCH {FETCH} FROM edu_dump")))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failure(&doing, &error))?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let end = |label: &str, id: &str| -> Option<End> {
                Some(End {
                    label: row.get::<Option<String>, _>(label)?,
                    id: row.get::<Option<String>, _>(id)?,
                })
            };
            let properties = json(row.get::<&str, _>("properties"));
            let item = Item {
                label: label.name.clone(),
                from: (label.kind == LabelKind::Edge)
                    .then(|| end("from_label", "from_id"))
                    .flatten(),
                to: (label.kind == LabelKind::Edge)
                    .then(|| end("to_label", "to_id"))
                    .flatten(),
                properties: properties.as_object().cloned().unwrap_or_default(),
            };
            let line = serde_json::to_string(&item).map_err(|error| {
                Failure::bug("could not write a line").detail(error.to_string())
            })?;
            take(&line)?;
            count += 1;
        }
    }
    session::run(connection, "CLOSE edu_dump", &doing).await?;
    Ok(count)
}

fn select(wanted: Wanted<'_>, label: &Label) -> Result<String> {
    let table = wanted.table(&label.name)?;
    let properties = "(ag_catalog.agtype_out(e.properties))::text AS properties";
    if label.kind == LabelKind::Vertex {
        return Ok(format!(
            "SELECT {properties} FROM ONLY {table} e ORDER BY e.id"
        ));
    }
    let vertices = wanted.table(PARENTS[0].0)?;
    // Which property tells vertices apart differs from label to label.
    let id = |alias: &str| -> Result<String> {
        let mut cases = String::new();
        for vertex in wanted
            .ontology
            .labels
            .iter()
            .filter(|label| label.kind == LabelKind::Vertex)
        {
            if let Some(key) = key(vertex) {
                let text = text_of(key)?.replace("properties", &format!("{alias}.properties"));
                cases.push_str(&format!(
                    " WHEN {} THEN {text}",
                    quote_literal(&vertex.name)?
                ));
            }
        }
        Ok(if cases.is_empty() {
            "NULL::text".to_owned()
        } else {
            format!("CASE l{alias}.name::text{cases} END")
        })
    };
    let join = |alias: &str, end: &str| {
        format!(
            "LEFT JOIN {vertices} {alias} ON {alias}.id OPERATOR(ag_catalog.=) e.{end} \
             LEFT JOIN ag_catalog.ag_label l{alias} ON l{alias}.relation::pg_catalog.oid = {alias}.tableoid"
        )
    };
    Ok(format!(
        "SELECT {properties}, la.name::text AS from_label, {} AS from_id, lb.name::text AS to_label, {} AS to_id \
         FROM ONLY {table} e {} {} ORDER BY e.id",
        id("a")?,
        id("b")?,
        join("a", "start_id"),
        join("b", "end_id"),
    ))
}
