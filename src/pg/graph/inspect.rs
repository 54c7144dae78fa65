//! Reading what a database has of a graph, from the catalogs alone.

use serde::de::DeserializeOwned;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row, query};

use crate::failure::{Failure, Result};
use crate::graph::compare::{FUNCTION, Wanted, functions};
use crate::graph::live::Live;
use crate::pg::error::{failure, sqlstate};
use crate::pg::session;

/// Reads a graph with everything around it. Run it in a transaction: it sets `search_path` to
/// `pg_catalog` until the transaction ends, because the server's spelling of expressions depends on it.
///
/// # Errors
/// Exit 8 when the database has no AGE, else by SQLSTATE.
pub async fn live(connection: &mut PgConnection, wanted: Wanted<'_>) -> Result<Live> {
    session::run(
        connection,
        "SET LOCAL search_path = pg_catalog",
        "look at the graph",
    )
    .await?;
    let roles = &wanted.manifest.roles;
    let graph = &wanted.ontology.graph;
    let doing = format!("look at graph \"{graph}\"");
    let row = query(include_str!("../inspect/graph_surroundings.sql"))
        .bind(graph)
        .bind(&roles.application)
        .bind(roles.login.as_ref().or(roles.application.as_ref()))
        .bind(functions())
        .bind(FUNCTION)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| match sqlstate(&error) {
            "42P01" | "3F000" => failure(&doing, &error)
                .exit(crate::failure::Exit::Refused)
                .hint("The database has no AGE. Run: edu db bootstrap"),
            _ => failure(&doing, &error),
        })?;
    let mut live: Live = read(&row, &doing)?;
    let row = query(include_str!("../inspect/label.sql"))
        .bind(graph)
        .bind(&roles.application)
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&doing, &error))?;
    live.labels = read(&row, &doing)?;
    Ok(live)
}

fn read<T: DeserializeOwned>(row: &PgRow, doing: &str) -> Result<T> {
    serde_json::from_str(row.get::<&str, _>(0))
        .map_err(|error| Failure::bug(format!("could not {doing}")).detail(error.to_string()))
}
