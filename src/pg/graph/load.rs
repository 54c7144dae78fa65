//! Vertices and edges in bulk, by COPY.
//!
//! A batch is a transaction: what was committed stays, and a run that ended goes on behind it ([`journal`]).
//! Batches are written side by side; one with edges waits for the vertices before it. Vertices
//! go straight into their label's table, edges into a temporary one that is joined with the vertices'
//! unique property. AGE's own `load_*_from_file` is never used: it reads files of the server, stores
//! texts only and, in 1.5, hands graph ids out twice.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::query::{self, Asker};
use crate::failure::{Failure, Result};
use crate::graph::compare::Wanted;
use crate::graph::expression::{access_to, text_of};
use crate::graph::transfer::{Batch, Sheaf, key};
use crate::pg::error::failure;
use crate::pg::session;

mod journal;
mod lanes;

pub use journal::{Done, Journal};
pub use lanes::Lanes;

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

/// How batches are written.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    /// The graph.
    pub wanted: Wanted<'a>,
    /// As whom.
    pub way: Way,
    /// The tenant of all of them, if one was given.
    pub tenant: Option<&'a str>,
    /// Where it is written down.
    pub journal: Option<&'a Journal>,
}

/// Writes one batch in a transaction of its own. Its items were checked.
///
/// # Errors
/// Exit 1 when an edge's vertex does not exist in its tenant, else by SQLSTATE. Nothing of the batch
/// was written then.
pub(in crate::pg) async fn batch(
    connection: &mut PgConnection,
    how: Writing<'_>,
    batch: &Batch,
) -> Result<()> {
    let wanted = how.wanted;
    let begin = "BEGIN; SET LOCAL search_path = pg_catalog, ag_catalog; SET LOCAL client_min_messages = warning; SET LOCAL gin_pending_list_limit = '64MB'";
    session::run(connection, begin, "begin a transaction").await?;
    let asker = Asker {
        tenant: how.tenant.map(str::to_owned),
        user: None,
    };
    let mut result = query::context(connection, wanted.manifest, &asker).await;
    if how.way == Way::AsApplication && result.is_ok() {
        result = session::become_role_locally(connection, wanted.application()).await;
    }
    if result.is_ok() {
        result = write(connection, how, batch).await;
    }
    if let (Ok(()), Some(journal)) = (&result, how.journal) {
        result = journal.record(connection, batch).await;
    }
    match result {
        Ok(()) => session::run(connection, "COMMIT", "commit the batch").await,
        Err(failure) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            Err(failure)
        }
    }
}

async fn write(connection: &mut PgConnection, how: Writing<'_>, batch: &Batch) -> Result<()> {
    for sheaf in batch.sheaves.iter().filter(|sheaf| sheaf.ends.is_none()) {
        vertices(connection, how, sheaf).await?;
    }
    for sheaf in &batch.sheaves {
        if let Some((from, to)) = &sheaf.ends {
            edges(connection, how.wanted, sheaf, (from, to)).await?;
        }
    }
    Ok(())
}

async fn vertices(connection: &mut PgConnection, how: Writing<'_>, sheaf: &Sheaf) -> Result<()> {
    let table = how.wanted.table(&sheaf.label)?;
    let doing = format!("load vertices of {}", sheaf.label);
    if how.way == Way::Direct {
        return copy(connection, &format!("{table} (properties)"), sheaf, &doing).await;
    }
    // The server takes no COPY into a table whose policies hold for the role.
    let stage = "CREATE TEMPORARY TABLE edu_stage_v (properties ag_catalog.agtype) ON COMMIT DROP";
    session::run(connection, stage, &doing).await?;
    copy(connection, "edu_stage_v (properties)", sheaf, &doing).await?;
    let insert = format!(
        "INSERT INTO {table} (properties) SELECT properties FROM edu_stage_v; DROP TABLE edu_stage_v"
    );
    session::run(connection, &insert, &doing).await
}

async fn edges(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    sheaf: &Sheaf,
    (from, to): (&str, &str),
) -> Result<()> {
    let label = &sheaf.label;
    let doing = format!("load edges of {label}");
    let stage = "CREATE TEMPORARY TABLE edu_stage_e (a ag_catalog.agtype, b ag_catalog.agtype, properties ag_catalog.agtype) ON COMMIT DROP";
    session::run(connection, stage, &doing).await?;
    copy(connection, "edu_stage_e (a, b, properties)", sheaf, &doing).await?;
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
    let lost = sheaf.count.saturating_sub(written);
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

async fn copy(
    connection: &mut PgConnection,
    target: &str,
    sheaf: &Sheaf,
    doing: &str,
) -> Result<()> {
    let wrong = |error: sqlx::Error| failure(doing, &error);
    let sql = format!("COPY {target} FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await.map_err(wrong)?;
    copy.send(sheaf.rows.as_slice()).await.map_err(wrong)?;
    copy.finish().await.map(drop).map_err(wrong)
}
