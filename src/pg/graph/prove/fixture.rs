//! Running the declared queries over the rows of fixtures.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::TIMEOUT;
use crate::failure::{Failure, Result};
use crate::graph::Finding;
use crate::graph::compare::Wanted;
use crate::graph::query::Runnable;
use crate::pg::error::failure;
use crate::pg::graph::agtype::Agtype;
use crate::pg::graph::load::{self, Way};
use crate::pg::graph::query::{self, Asker};
use crate::pg::session;
use crate::spec::fixture::{Call, Fixture};
use crate::spec::query::Query;

/// Runs the calls of the fixtures and compares what comes back.
///
/// # Errors
/// As [`plans`], and when a fixture's own rows are refused.
pub async fn fixtures(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
    fixtures: &[Fixture],
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for fixture in fixtures {
        query::enter(connection, wanted.manifest, &Asker::default(), TIMEOUT).await?;
        let result = one(connection, wanted, queries, fixture, &mut findings).await;
        session::run(connection, "ROLLBACK", "end the transaction").await?;
        result.map_err(|failure| {
            failure.detail(format!(
                "In \"{}\"; nothing was kept.",
                fixture.document.path
            ))
        })?;
    }
    Ok(findings)
}

async fn one(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
    fixture: &Fixture,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    write(connection, wanted, fixture).await?;
    for call in &fixture.calls {
        let Some(query) = queries
            .iter()
            .find(|query| query.name == *call.query.get_ref())
        else {
            continue;
        };
        session::run(connection, "SAVEPOINT edu_call", "set a savepoint").await?;
        let asker = Asker {
            tenant: Some(call.tenant.clone()),
            user: call.user.clone(),
        };
        query::context(connection, wanted.manifest, &asker).await?;
        findings.extend(called(connection, wanted, query, call, fixture).await?);
        session::run(
            connection,
            "ROLLBACK TO edu_call",
            "return to the savepoint",
        )
        .await?;
    }
    Ok(())
}

async fn called(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    query: &Query,
    call: &Call,
    fixture: &Fixture,
) -> Result<Option<Finding>> {
    let runnable = Runnable::declared(query, |constant| constant.example.clone());
    let values = call.params.clone().into_iter().collect();
    let (line, _) = fixture.document.excerpt(call.query.span(), "").position();
    let object = format!("{}:{line}, query {}", fixture.document.path, query.name);
    Ok(
        match query::ask(connection, &wanted.ontology.graph, &runnable, &values).await {
            Err(failure) if failure.exit == crate::failure::Exit::Unreachable => {
                return Err(failure);
            }
            Err(failure) => Some(Finding::new("query-fails", object, failure.to_string())),
            Ok(answer) if same(&answer.rows, &call.rows) => None,
            Ok(answer) => Some(Finding::new(
                "query-result",
                object,
                format!(
                    "it returned {}, wanted {}",
                    text(&answer.rows),
                    text(&call.rows)
                ),
            )),
        },
    )
}

/// Whether the rows are the wanted ones. TOML has no null: `{ null = true }` stands for it.
fn same(found: &[Vec<Value>], wanted: &[Vec<Value>]) -> bool {
    let null = serde_json::json!({ "null": true });
    let cell =
        |(found, wanted): (&Value, &Value)| found == wanted || (found.is_null() && *wanted == null);
    found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(found, wanted)| {
            found.len() == wanted.len() && found.iter().zip(wanted).all(cell)
        })
}

fn text(rows: &[Vec<Value>]) -> String {
    serde_json::to_string(rows).unwrap_or_default()
}

/// Writes a fixture's rows, each in its tenant's context. An edge across tenants is refused to the application:
/// the login writes it past the guard where it may, else it is left out, as nobody could write it.
async fn write(connection: &mut PgConnection, wanted: Wanted<'_>, fixture: &Fixture) -> Result<()> {
    let mut written: Vec<(i64, Option<String>)> = Vec::new();
    for vertex in &fixture.vertices {
        let asker = Asker {
            tenant: tenant_of(wanted, &vertex.properties),
            user: None,
        };
        query::context(connection, wanted.manifest, &asker).await?;
        let table = wanted.table(vertex.label.get_ref())?;
        let sql = format!(
            "INSERT INTO {table} (properties) VALUES ($1) RETURNING (ag_catalog.graphid_out(id))::text::int8 AS id"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(Agtype(Value::from(vertex.properties.clone()).to_string()))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| {
                failure(
                    &format!("write a vertex of {}", vertex.label.get_ref()),
                    &error,
                )
            })?;
        written.push((row.get("id"), asker.tenant));
    }
    edges(connection, wanted, fixture, &written).await
}

fn tenant_of(wanted: Wanted<'_>, properties: &serde_json::Map<String, Value>) -> Option<String> {
    let tenant = properties.get(&wanted.ontology.tenant_property)?;
    tenant.as_str().map(str::to_owned)
}

/// Writes a fixture's edges between the vertices `written`: their graph ids and tenants.
async fn edges(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    fixture: &Fixture,
    written: &[(i64, Option<String>)],
) -> Result<()> {
    let past = load::way(connection, Some("")).await? == Way::Direct;
    for edge in &fixture.edges {
        let asker = Asker {
            tenant: tenant_of(wanted, &edge.properties),
            user: None,
        };
        query::context(connection, wanted.manifest, &asker).await?;
        let table = wanted.table(edge.label.get_ref())?;
        let end = |at: usize| {
            written
                .get(at)
                .ok_or_else(|| Failure::bug("an edge of a fixture has no vertex"))
        };
        let (from, to) = (end(edge.from)?, end(edge.to)?);
        let crosses = from.1 != asker.tenant || to.1 != asker.tenant;
        if crosses && !past {
            continue;
        }
        let sql = format!(
            "INSERT INTO {table} (start_id, end_id, properties) VALUES ('{}'::ag_catalog.graphid, '{}'::ag_catalog.graphid, $1)",
            from.0, to.0
        );
        if crosses {
            session::run(
                connection,
                "RESET ROLE",
                "step out of the application's role",
            )
            .await?;
        }
        sqlx::query(AssertSqlSafe(sql))
            .bind(Agtype(Value::from(edge.properties.clone()).to_string()))
            .execute(&mut *connection)
            .await
            .map_err(|error| {
                failure(
                    &format!("write an edge of {}", edge.label.get_ref()),
                    &error,
                )
            })?;
        if crosses {
            session::become_role_locally(connection, wanted.application()).await?;
        }
    }
    Ok(())
}
