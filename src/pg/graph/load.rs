//! Vertices and edges in bulk, by COPY.
//!
//! A batch is a transaction: what was committed stays, and a run that ended goes on behind it. Vertices
//! go straight into their label's table, edges into a temporary one that is joined with the vertices'
//! unique property. AGE's own `load_*_from_file` is never used: it reads files of the server, stores
//! texts only and, in 1.5, hands graph ids out twice.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::query::{self, Asker};
use crate::failure::{Failure, Result};
use crate::graph::compare::Wanted;
use crate::graph::expression::{access_to, text_of};
use crate::graph::transfer::{Item, copy_field, key};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::ontology::LabelKind;

/// How the rows get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As a superuser or a role with BYPASSRLS: COPY into the tables.
    Direct,
    /// As the application, in one tenant's context: policies and guard look at every row.
    AsApplication,
}

/// Decides how this user's rows get in.
///
/// # Errors
/// Exit 8 when policies would hide the graph from the user and no tenant was given.
pub async fn way(connection: &mut PgConnection, tenant: Option<&str>) -> Result<Way> {
    let sees: bool = sqlx::query_scalar(
        "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = session_user",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure("look at the own role", &error))?;
    match (sees, tenant) {
        (true, _) => Ok(Way::Direct),
        (false, Some(_)) => Ok(Way::AsApplication),
        (false, None) => Err(
            Failure::refused("row security hides the graph from this role").hint(
                "Connect as a superuser or a role with BYPASSRLS, or load one tenant: --tenant ID",
            ),
        ),
    }
}

/// Brings what the batches left to GIN indexes to its place: until then every search reads all of it. Does
/// nothing as the application, which does not own the indexes.
///
/// # Errors
/// By SQLSTATE; what was loaded stays.
pub async fn settle(connection: &mut PgConnection, wanted: Wanted<'_>, way: Way) -> Result<()> {
    if way == Way::AsApplication {
        return Ok(());
    }
    sqlx::query(
        "SELECT pg_catalog.gin_clean_pending_list(i.indexrelid) FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND a.amname = 'gin' AND i.indisvalid",
    )
    .bind(&wanted.ontology.graph)
    .execute(connection)
    .await
    .map(drop)
    .map_err(|error| failure("settle the GIN indexes", &error))
}

/// Where a group of items goes: its label, and for edges the labels of their ends.
type Target = (String, Option<(String, String)>);

/// Writes one batch in a transaction of its own. The items were checked.
///
/// # Errors
/// Exit 1 when an edge's vertex does not exist in its tenant, else by SQLSTATE. Nothing of the batch
/// was written then.
pub async fn batch(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    way: Way,
    tenant: Option<&str>,
    items: &[Item],
) -> Result<()> {
    let mut groups: BTreeMap<Target, Vec<&Item>> = BTreeMap::new();
    for item in items {
        let ends = item.from.as_ref().zip(item.to.as_ref());
        let target = (
            item.label.clone(),
            ends.map(|(from, to)| (from.label.clone(), to.label.clone())),
        );
        groups.entry(target).or_default().push(item);
    }
    let begin = "BEGIN; SET LOCAL search_path = pg_catalog, ag_catalog; SET LOCAL client_min_messages = warning; SET LOCAL gin_pending_list_limit = '64MB'";
    session::run(connection, begin, "begin a transaction").await?;
    let asker = Asker {
        tenant: tenant.map(str::to_owned),
        user: None,
    };
    let mut result = query::context(connection, wanted.manifest, &asker).await;
    if way == Way::AsApplication && result.is_ok() {
        result = session::become_role_locally(connection, wanted.application()).await;
    }
    if result.is_ok() {
        result = write(connection, wanted, way, groups).await;
    }
    match result {
        Ok(()) => session::run(connection, "COMMIT", "commit the batch").await,
        Err(failure) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            Err(failure)
        }
    }
}

async fn write(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    way: Way,
    groups: BTreeMap<Target, Vec<&Item>>,
) -> Result<()> {
    let rank = |target: &Target| wanted.ontology.label(&target.0).map(|label| label.kind);
    let mut groups: Vec<(Target, Vec<&Item>)> = groups.into_iter().collect();
    groups.sort_by_key(|(target, _)| rank(target) == Some(LabelKind::Edge));
    for ((label, ends), items) in groups {
        match ends {
            None => vertices(connection, wanted, way, &label, &items).await?,
            Some((from, to)) => edges(connection, wanted, &label, (&from, &to), &items).await?,
        }
    }
    Ok(())
}

async fn vertices(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    way: Way,
    label: &str,
    items: &[&Item],
) -> Result<()> {
    let table = wanted.table(label)?;
    let mut rows = Vec::new();
    for item in items {
        properties(&mut rows, item)?;
        rows.push(b'\n');
    }
    let doing = format!("load vertices of {label}");
    if way == Way::Direct {
        return copy(connection, &format!("{table} (properties)"), &rows, &doing).await;
    }
    // The server takes no COPY into a table whose policies hold for the role.
    let stage = "CREATE TEMPORARY TABLE edu_stage_v (properties ag_catalog.agtype) ON COMMIT DROP";
    session::run(connection, stage, &doing).await?;
    copy(connection, "edu_stage_v (properties)", &rows, &doing).await?;
    let insert = format!(
        "INSERT INTO {table} (properties) SELECT properties FROM edu_stage_v; DROP TABLE edu_stage_v"
    );
    session::run(connection, &insert, &doing).await
}

async fn edges(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    label: &str,
    (from, to): (&str, &str),
    items: &[&Item],
) -> Result<()> {
    let doing = format!("load edges of {label}");
    let mut rows = Vec::new();
    for item in items {
        for end in [&item.from, &item.to] {
            let id = end.as_ref().map_or("", |end| end.id.as_str());
            copy_field(&mut rows, &serde_json::Value::from(id).to_string());
            rows.push(b'\t');
        }
        properties(&mut rows, item)?;
        rows.push(b'\n');
    }
    let stage = "CREATE TEMPORARY TABLE edu_stage_e (a ag_catalog.agtype, b ag_catalog.agtype, properties ag_catalog.agtype) ON COMMIT DROP";
    session::run(connection, stage, &doing).await?;
    copy(connection, "edu_stage_e (a, b, properties)", &rows, &doing).await?;
    let tenant = text_of(&wanted.ontology.tenant_property)?;
    // Each end is looked up by the very expression of its unique index, and belongs to the edge's tenant.
    let join = |alias: &str, end: &str| -> Result<String> {
        let found = wanted.ontology.label(end).and_then(|label| key(label));
        let Some(key) = found else {
            return Err(
                Failure::usage(format!("label \"{end}\" has no unique property"))
                    .hint("Declare where = [\"id\"], unique = true for it in graph/ontology.toml."),
            );
        };
        let of =
            |expression: &str| expression.replace("properties", &format!("v{alias}.properties"));
        Ok(format!(
            "JOIN {} v{alias} ON {} OPERATOR(ag_catalog.=) s.{alias} AND {} = {}",
            wanted.table(end)?,
            of(&access_to(key)?),
            of(&tenant),
            tenant.replace("properties", "s.properties"),
        ))
    };
    let insert = format!(
        "INSERT INTO {} (start_id, end_id, properties) SELECT va.id, vb.id, s.properties FROM edu_stage_e s {} {}",
        wanted.table(label)?,
        join("a", from)?,
        join("b", to)?
    );
    session::run(connection, "ANALYZE edu_stage_e", &doing).await?;
    let written = sqlx::raw_sql(AssertSqlSafe(insert))
        .execute(&mut *connection)
        .await
        .map_err(|error| failure(&doing, &error))?
        .rows_affected();
    session::run(connection, "DROP TABLE edu_stage_e", &doing).await?;
    let lost = (items.len() as u64).saturating_sub(written);
    if lost > 0 {
        return Err(Failure::new(
            crate::failure::Exit::Findings,
            format!("{lost} edges of {label} name a vertex that does not exist"),
        )
        .detail(format!(
            "Looked for {from} and {to} of the edge's own tenant, by their unique property."
        ))
        .hint("Load the vertices first; edu db graph dump writes them first, too."));
    }
    Ok(())
}

fn properties(rows: &mut Vec<u8>, item: &Item) -> Result<()> {
    let text = serde_json::to_string(&item.properties).map_err(|error| {
        Failure::bug("could not write a property map").detail(error.to_string())
    })?;
    copy_field(rows, &text);
    Ok(())
}

async fn copy(connection: &mut PgConnection, target: &str, rows: &[u8], doing: &str) -> Result<()> {
    let wrong = |error: sqlx::Error| failure(doing, &error);
    let sql = format!("COPY {target} FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await.map_err(wrong)?;
    copy.send(rows).await.map_err(wrong)?;
    copy.finish().await.map(drop).map_err(wrong)
}
