//! A generated graph into a database: vertices first, then the edges between them.
//!
//! A part is a transaction, and passed over when its first vertex or edge is there.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::try_join_all;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::Told;
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::graph::compare::Wanted;
use crate::graph::expression::access_to;
use crate::graph::transfer::{End, Item, key};
use crate::pg::error::failure;
use crate::pg::graph::load::{self, Way, Writing};
use crate::seed::scale::Plan;
use crate::seed::scale::graph::{Graph, Part};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::{Isolation, LabelKind};

/// Refuses a graph that could not be written, before anything is.
///
/// # Errors
/// Exit 8 where policies bind whoever is connected, exit 2 where a label has no table.
pub(super) async fn refuse(connection: &mut PgConnection, graph: &Graph) -> Result<()> {
    let ontology = &graph.ontology;
    if ontology.isolation == Isolation::Enforced {
        load::way(connection, None).await.map_err(|failure| {
            failure.detail("Row security is not switched off for a load.").hint(
                "Connect as a superuser or a role with BYPASSRLS, or leave the graph out: vertices = 0 in seeds/scale.toml.",
            )
        })?;
    }
    for (label, _) in graph.counts() {
        let table = ontology.table(label)?;
        let there: bool = sqlx::query_scalar("SELECT pg_catalog.to_regclass($1) IS NOT NULL")
            .bind(table.to_string())
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure("look for the graph's labels", &error))?;
        if !there {
            return Err(Failure::usage(format!("the graph's table {table} does not exist"))
                .hint("Run: edu db migrate, or leave the graph out: vertices = 0 in seeds/scale.toml."));
        }
    }
    Ok(())
}

/// Writes what is not there yet, and settles the indexes.
///
/// # Errors
/// By SQLSTATE. Parts that were committed stay.
pub(super) async fn load(
    connections: &mut [PgConnection],
    plan: &Arc<Plan>,
    manifest: &Manifest,
    told: &Told<'_>,
) -> Result<()> {
    let Some(graph) = &plan.graph else {
        return Ok(());
    };
    let wanted = Wanted {
        manifest,
        ontology: &graph.ontology,
    };
    for kind in [LabelKind::Vertex, LabelKind::Edge] {
        let parts = RefCell::new(VecDeque::from(graph.parts(kind)));
        let work = connections
            .iter_mut()
            .map(|connection| work(connection, plan, wanted, &parts, told));
        try_join_all(work).await?;
    }
    match connections.first_mut() {
        Some(connection) => load::settle(connection, wanted, Way::Direct).await,
        None => Ok(()),
    }
}

async fn work(
    connection: &mut PgConnection,
    plan: &Arc<Plan>,
    wanted: Wanted<'_>,
    parts: &RefCell<VecDeque<Part>>,
    told: &Told<'_>,
) -> Result<()> {
    let how = Writing {
        wanted,
        way: Way::Direct,
        tenant: None,
        journal: None,
    };
    loop {
        let Some(part) = parts.borrow_mut().pop_front() else {
            return Ok(());
        };
        let plan = Arc::clone(plan);
        let made = tokio::task::spawn_blocking(move || {
            let graph = plan.graph.as_ref();
            graph.map_or_else(|| Ok(Default::default()), |graph| graph.batch(&plan, &part))
        });
        let made = made.await;
        let (batch, first) =
            made.map_err(|error| Failure::bug("a graph was not made").detail(error.to_string()))??;
        let Some(first) = first else {
            continue;
        };
        let there = is_there(connection, wanted, &first).await?;
        if !there {
            load::batch(connection, how, &batch).await?;
        }
        for sheaf in &batch.sheaves {
            let table = wanted.table(&sheaf.label)?.to_string();
            match there {
                true => told.tell_of(&table, 0, sheaf.count),
                false => told.tell_of(&table, sheaf.count, 0),
            }
        }
    }
}

/// Whether the vertex, or an edge between the same two, is there.
async fn is_there(connection: &mut PgConnection, wanted: Wanted<'_>, item: &Item) -> Result<bool> {
    let table = wanted.table(&item.label)?;
    let found = |end: &End, alias: &str| -> Result<String> {
        let label = wanted.ontology.label(&end.label);
        let key = label
            .and_then(key)
            .ok_or_else(|| Failure::bug("a vertex without a key"))?;
        let of = access_to(key)?.replace("properties", &format!("{alias}.properties"));
        let id = serde_json::Value::from(end.id.as_str()).to_string();
        Ok(format!(
            "{of} OPERATOR(ag_catalog.=) {}::ag_catalog.agtype",
            quote_literal(&id)?
        ))
    };
    let sql = match (&item.from, &item.to) {
        (Some(from), Some(to)) => format!(
            "SELECT EXISTS (SELECT FROM {} a, {} b, {table} e WHERE {} AND {}
               AND e.start_id OPERATOR(ag_catalog.=) a.id AND e.end_id OPERATOR(ag_catalog.=) b.id)",
            wanted.table(&from.label)?,
            wanted.table(&to.label)?,
            found(from, "a")?,
            found(to, "b")?,
        ),
        _ => {
            let label = wanted.ontology.label(&item.label);
            let id = label.and_then(key).and_then(|key| item.properties.get(key));
            let id = id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            let end = End {
                label: item.label.clone(),
                id: id.unwrap_or_default(),
            };
            format!("SELECT EXISTS (SELECT FROM {table} a WHERE {})", found(&end, "a")?)
        }
    };
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("look for rows of {table}"), &error))
}
