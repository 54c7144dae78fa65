//! Proving the declared queries: they run, they take their indexes, they return what fixtures say.
//!
//! Everything happens as the application, in transactions that are rolled back. That a query can be planned
//! is seen over what the graph holds; which indexes it takes is seen over synthetic rows, because over
//! empty tables one plan is as good as another.
//! What ANALYZE counts then outlives the rollback in part, so that it is run again behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::query::{self, Asker};
use crate::failure::Result;
use crate::graph::Finding;
use crate::graph::compare::Wanted;
use crate::graph::query::Runnable;
use crate::graph::synthetic;
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};
use crate::spec::ontology::{Label, LabelKind};
use crate::spec::query::{Parameter, Query};

mod fixture;

pub use fixture::fixtures;

/// How long one query may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Over what plans are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// What the graph holds: whether it can be planned at all.
    Stored,
    /// Some thousand synthetic rows beside it: which indexes are taken.
    Synthetic,
}

/// Plans every declared query.
///
/// # Errors
/// Exit 8 when the application role cannot be taken, exit 7 when the connection is lost.
pub async fn plans(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
    over: Over,
    report: Report<'_>,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let asker = Asker {
        tenant: Some(synthetic::TENANT.to_owned()),
        user: Some(synthetic::TENANT.to_owned()),
    };
    query::enter(connection, wanted.manifest, &asker, TIMEOUT).await?;
    let result = plan_all(connection, wanted, queries, over, report, &mut findings).await;
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    if over == Over::Synthetic {
        analyze(connection, wanted, queries).await?;
    }
    result.map(|()| findings)
}

async fn plan_all(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
    over: Over,
    report: Report<'_>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    match over {
        Over::Synthetic => {
            fill(connection, wanted, queries, report).await?;
            let asker = Asker {
                tenant: Some(synthetic::TENANT.to_owned()),
                user: None,
            };
            query::context(connection, wanted.manifest, &asker).await?;
        }
        Over::Stored => {}
    }
    report(Progress::counted(
        "planning the declared queries",
        queries.len() as u64,
        Unit::Items,
    ));
    for (done, query) in queries.iter().enumerate() {
        report(Progress::Detail(query.name.clone()));
        session::run(connection, "SAVEPOINT edu_query", "set a savepoint").await?;
        let runnable = Runnable::declared(query, |constant| constant.example.clone());
        let values = samples(wanted, &query.parameters);
        match query::explain(connection, &wanted.ontology.graph, &runnable, &values).await {
            Err(failure) if failure.exit == crate::failure::Exit::Unreachable => {
                return Err(failure);
            }
            Err(failure) => findings.push(Finding::new(
                "query-fails",
                object(query),
                failure.to_string(),
            )),
            Ok(plan) if over == Over::Synthetic => findings.extend(unused(wanted, query, &plan)),
            Ok(_) => {}
        }
        session::run(
            connection,
            "ROLLBACK TO edu_query",
            "return to the savepoint",
        )
        .await?;
        report(Progress::At(done as u64 + 1));
    }
    report(Progress::Done);
    Ok(())
}

fn object(query: &Query) -> String {
    format!("query {}", query.name)
}

/// The declared indexes that a plan does not take. Left alone, the planner may take another index of the
/// same label, which is as good; reading the whole label is not.
fn unused(wanted: Wanted<'_>, query: &Query, plan: &str) -> Option<Finding> {
    let words: Vec<&str> = plan
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
        .collect();
    let indexes = wanted.ontology.indexes();
    let unused: Vec<&str> = query
        .uses_index
        .iter()
        .map(|index| index.word.as_str())
        .filter(|name| !words.contains(name))
        .filter(|name| {
            let label = indexes.iter().find(|index| index.name == *name);
            let label = label.map_or("", |index| index.label.as_str());
            let scans = plan.lines().filter(|line| line.contains("Seq Scan on "));
            scans.into_iter().any(|line| scanned(line) == label)
        })
        .collect();
    (!unused.is_empty()).then(|| {
        let message = format!("its plan does not take {}", unused.join(", "));
        Finding::new("query-plan", object(query), message)
    })
}

/// The table of a plan's line "Seq Scan on \"Table\" alias".
fn scanned(line: &str) -> &str {
    let table = line.split("Seq Scan on ").nth(1).unwrap_or_default();
    match table.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => table.split(' ').next().unwrap_or_default(),
    }
}

/// A value for each parameter that its type takes.
fn samples(wanted: Wanted<'_>, parameters: &[Parameter]) -> BTreeMap<String, Value> {
    let sample = |parameter: &Parameter| match parameter.kind.as_str() {
        "int" | "integer" | "bigint" | "smallint" | "int4" | "int8" => Value::from(1),
        "float" | "float8" | "double precision" | "real" | "numeric" => Value::from(1.5),
        "bool" | "boolean" => Value::from(true),
        "array" => Value::Array(Vec::new()),
        "agtype" => {
            serde_json::json!({ wanted.ontology.tenant_property.clone(): synthetic::TENANT })
        }
        "datetime" | "timestamptz" => Value::from("2026-01-01T00:00:00Z"),
        "url" => Value::from("https://example.org/"),
        kind if kind.ends_with("[]") => Value::from("{}"),
        _ => Value::from(synthetic::TENANT),
    };
    parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), sample(parameter)))
        .collect()
}

/// Fills the labels that the queries name, tenant by tenant, and lets the planner count them.
async fn fill(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
    report: Report<'_>,
) -> Result<()> {
    let count = u64::from(synthetic::TENANTS);
    report(Progress::counted(
        "writing synthetic rows, to be rolled back",
        count,
        Unit::Items,
    ));
    let labels = filled(wanted, queries);
    for number in (0..synthetic::TENANTS).rev() {
        let tenant = synthetic::tenant(number);
        let asker = Asker {
            tenant: Some(tenant.clone()),
            user: Some(tenant.clone()),
        };
        query::context(connection, wanted.manifest, &asker).await?;
        for label in &labels {
            let sql = match label.kind {
                LabelKind::Vertex => synthetic::vertices(wanted, label, &tenant)?,
                LabelKind::Edge => synthetic::edges(wanted, label, &tenant)?,
            };
            let doing = format!("write synthetic rows of {}", label.name);
            session::run(connection, &sql, &doing).await?;
        }
        report(Progress::At(count - u64::from(number)));
    }
    session::run(
        connection,
        "RESET ROLE",
        "step out of the application's role",
    )
    .await?;
    analyze(connection, wanted, queries).await?;
    session::become_role_locally(connection, wanted.application()).await
}

/// The labels that the queries name, vertices first; all vertices that an edge may need.
fn filled<'a>(wanted: Wanted<'a>, queries: &[Query]) -> Vec<&'a Label> {
    let named = |label: &str| queries.iter().any(|query| query.text().contains(label));
    let mut labels: Vec<&Label> = wanted
        .ontology
        .labels
        .iter()
        .filter(|label| label.kind == LabelKind::Vertex || named(&label.name))
        .collect();
    labels.sort_by_key(|label| label.kind);
    labels
}

/// Counts rows for the planner. Part of that is not transactional, so that it is done again behind the
/// rollback, when the counts are true again.
async fn analyze(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    queries: &[Query],
) -> Result<()> {
    let tables: Result<Vec<String>> = filled(wanted, queries)
        .into_iter()
        .map(|label| Ok(wanted.table(&label.name)?.to_string()))
        .collect();
    let sql = format!("ANALYZE {}", tables?.join(", "));
    session::run(connection, &sql, "count the graph's rows").await
}
