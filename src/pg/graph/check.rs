//! Whether a graph's rows are as declared.
//!
//! FORCE hides the rows from their owner too. So everything is looked at by a superuser or a role with
//! BYPASSRLS, or one tenant's rows inside that tenant's context, and then the report says that the rest
//! was not looked at. `row_security = off` makes the server refuse what it would otherwise leave out.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::{inspect, repair};
use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};
use crate::graph::Finding;
use crate::graph::compare::Wanted;
use crate::graph::integrity::{self, Probe};
use crate::graph::live::Live;
use crate::pg::error::failure;
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only what this tenant sees, as the application.
    pub tenant: Option<String>,
    /// Also what valid constraints have proved already.
    pub full: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The findings, label by label.
    pub findings: Vec<Finding>,
    /// What mends some of them without losing anything that can be reached, with how many rows.
    pub fixes: Vec<(String, u64, String)>,
    /// The labels whose property schemas were proved by constraints and not looked at again.
    pub proved: usize,
}

/// Looks at the rows, in one read-only transaction and one snapshot.
///
/// # Errors
/// Exit 8 when the user cannot see every row and no tenant was given; else by SQLSTATE.
pub async fn check(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
    scope: &Scope,
    report: Report<'_>,
) -> Result<Outcome> {
    let wanted = Wanted { manifest, ontology };
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    session::run(connection, begin, "begin a transaction").await?;
    let outcome = rows(connection, wanted, scope, report).await;
    report(Progress::Done);
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    outcome
}

async fn rows(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    scope: &Scope,
    report: Report<'_>,
) -> Result<Outcome> {
    enter(connection, wanted, scope).await?;
    let live = inspect::live(connection, wanted).await?;
    let settings = "SET LOCAL search_path = pg_catalog, ag_catalog; SET LOCAL work_mem = '64MB'";
    session::run(connection, settings, "prepare the transaction").await?;
    let schemas = integrity::schemas(wanted, &live)?;
    let probes = existing(connection, wanted, integrity::probes(wanted, &live)?).await?;
    let total = (schemas.len() + probes.len() + 1) as u64;
    report(Progress::counted("checking the graph", total, Unit::Items));
    let mut outcome = Outcome::default();
    let mut done = 0;
    for schema in &schemas {
        report(Progress::Detail(format!("properties of {}", schema.label)));
        if schema.proved && !scope.full {
            outcome.proved += 1;
        } else if count(connection, &schema.any, &schema.label).await? > 0 {
            for rule in &schema.rules {
                ask(connection, rule, &mut outcome).await?;
            }
        }
        done += 1;
        report(Progress::At(done));
    }
    for probe in &probes {
        report(Progress::Detail(format!(
            "{}: {}",
            probe.object, probe.counted
        )));
        ask(connection, probe, &mut outcome).await?;
        done += 1;
        report(Progress::At(done));
    }
    if scope.tenant.is_none() {
        for probe in existing(connection, wanted, integrity::unlinked(wanted, &live)?).await? {
            ask(connection, &probe, &mut outcome).await?;
        }
        sequences(connection, wanted, &live, &mut outcome).await?;
    } else {
        outcome.findings.push(Finding::new(
            "data-not-seen",
            format!("graph {}", wanted.ontology.graph),
            "only one tenant's rows were looked at; rows without a tenant and sequences were not",
        ));
    }
    Ok(outcome)
}

/// Makes sure that what is looked at is what is said to be looked at.
async fn enter(connection: &mut PgConnection, wanted: Wanted<'_>, scope: &Scope) -> Result<()> {
    let Some(tenant) = &scope.tenant else {
        return everything(connection, wanted).await;
    };
    let Some(setting) = wanted.manifest.context.tenant.as_deref() else {
        return Err(Failure::usage("--tenant needs context.tenant in edu.toml"));
    };
    let sql = format!(
        "SELECT pg_catalog.set_config({}, {}, true)",
        quote_literal(setting)?,
        quote_literal(tenant)?
    );
    session::run(connection, &sql, "enter the tenant's context").await?;
    session::become_role_locally(connection, wanted.application()).await
}

async fn everything(connection: &mut PgConnection, wanted: Wanted<'_>) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_user::text AS name, r.rolsuper OR r.rolbypassrls AS sees FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| failure("look at the own role", &error))?;
    if !row.get::<bool, _>("sees") {
        return Err(Failure::refused(format!(
            "role \"{}\" cannot see every row of graph \"{}\"",
            row.get::<String, _>("name"),
            wanted.ontology.graph
        ))
        .detail(
            "Row security is forced, so that the owner sees no row either; nothing was checked.",
        )
        .hint(
            "Connect as a superuser or a role with BYPASSRLS, or look at one tenant: --tenant ID",
        ));
    }
    session::run(
        connection,
        "SET LOCAL row_security = off",
        "switch silent filters off",
    )
    .await
}

/// The probes whose tables exist. A missing table is the migrations' matter.
async fn existing(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    probes: Vec<Probe>,
) -> Result<Vec<Probe>> {
    let names: Vec<String> = integrity::tables(wanted)
        .iter()
        .map(ToString::to_string)
        .collect();
    let missing: Vec<String> = sqlx::query_scalar(
        "SELECT n FROM pg_catalog.unnest($1::text[]) n WHERE pg_catalog.to_regclass(n) IS NULL",
    )
    .bind(&names)
    .fetch_all(connection)
    .await
    .map_err(|error| failure("look for the tables that the ontology names", &error))?;
    let hit = |probe: &Probe| {
        missing
            .iter()
            .any(|name| probe.from.contains(&format!("{name} r WHERE")))
    };
    Ok(probes.into_iter().filter(|probe| !hit(probe)).collect())
}

async fn count(connection: &mut PgConnection, sql: &str, what: &str) -> Result<u64> {
    let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("check {what}"), &error))?;
    Ok(counted.unsigned_abs())
}

async fn ask(connection: &mut PgConnection, probe: &Probe, outcome: &mut Outcome) -> Result<()> {
    let counted = count(connection, &probe.count(), &probe.object).await?;
    if counted == 0 {
        return Ok(());
    }
    let examples: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(probe.examples()))
        .fetch_all(connection)
        .await
        .map_err(|error| failure(&format!("look for examples in {}", probe.object), &error))?;
    let shown: Vec<String> = examples.into_iter().flatten().collect();
    outcome.findings.push(Finding::new(
        probe.code,
        &probe.object,
        format!(
            "{counted} {}; for example {}",
            probe.counted,
            shown.join(", ")
        ),
    ));
    if let Some(fix) = &probe.fix {
        outcome
            .fixes
            .push((probe.object.clone(), counted, fix.clone()));
    }
    Ok(())
}

async fn sequences(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    live: &Live,
    outcome: &mut Outcome,
) -> Result<()> {
    for (label, taken) in repair::behind(connection, wanted, live).await? {
        outcome.findings.push(Finding::new(
            "sequence-behind",
            format!("sequence of {label}"),
            format!("its rows are numbered up to {taken}, and it is behind that"),
        ));
    }
    Ok(())
}

/// Deletes what [`check`] offered to mend, in one transaction. edu's lock is held by the caller. Returns
/// the rows that were deleted.
///
/// # Errors
/// By SQLSTATE; nothing was deleted then.
pub async fn fix(connection: &mut PgConnection, outcome: &Outcome) -> Result<u64> {
    let begin =
        "BEGIN; SET LOCAL search_path = pg_catalog, ag_catalog; SET LOCAL row_security = off";
    session::run(connection, begin, "begin a transaction").await?;
    let mut deleted = 0;
    for (object, _, sql) in &outcome.fixes {
        match sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(&mut *connection)
            .await
        {
            Ok(done) => deleted += done.rows_affected(),
            Err(error) => {
                let failure = failure(&format!("delete orphan edges of {object}"), &error);
                let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
                return Err(failure.detail("Nothing was deleted."));
            }
        }
    }
    session::run(connection, "COMMIT", "commit the deletion").await?;
    Ok(deleted)
}
