//! Proving that a database is what the migrations up to a version give: they are applied to a scratch
//! database, and both structures are compared.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::bootstrap;
use super::migrate::{self, Context, Plan, Provenance, Stage, Tolerance, history};
use super::shape::{self, Shape};
use super::{Server, Work, facts, session};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::progress::{Progress, Report};
use crate::spec::manifest::Manifest;
use crate::spec::migration::Migration;

/// Tables in which other tools keep their history: nobody expects migrations to make them.
const OTHER_HISTORIES: &[&str] = &[
    "_sqlx_migrations",
    "flyway_schema_history",
    "schema_migrations",
    "__drizzle_migrations",
    "_prisma_migrations",
    "schema drizzle",
    " sqitch",
];

/// How many differences are shown.
const SHOWN_MAX: usize = 12;

/// What the migrations of a project are, up to the version in question.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The project's `edu.toml`.
    pub manifest: &'a Manifest,
    /// All its migrations.
    pub migrations: &'a [Migration],
    /// The last version that counts.
    pub version: i64,
}

/// Proves that the database behind `live` has the structure that the migrations give on `scratch`'s
/// server. The graphs are left out: their labels are compared by edu db graph.
///
/// # Errors
/// Exit 3 with what differs; those of making the scratch database, which is dropped again in any case.
pub async fn prove(
    live: &mut PgConnection,
    scratch: &Server,
    wanted: Wanted<'_>,
    report: Report<'_>,
) -> Result<()> {
    let graph = wanted
        .manifest
        .graph
        .as_ref()
        .map(|graph| graph.name.as_str());
    let without = facts::read(live, &[], graph).await?.graphs;
    let found = shape::read(live, &without).await?;
    let name = format!("edu_scratch_{}", Uuid::new_v4().simple());
    let database = scratch.with_database(&name);
    report(Progress::stage(format!(
        "applying the migrations up to V{} to a scratch database",
        wanted.version
    )));
    bootstrap::create_database(&database, report).await?;
    let built = build(&database, wanted, &without, report).await;
    drop_database(scratch, &name).await?;
    report(Progress::Done);
    compare(&built?, &found, wanted.version)
}

/// The one place where both structures are judged.
fn compare(expected: &Shape, found: &Shape, version: i64) -> Result<()> {
    let foreign = |phrase: &String| {
        phrase.ends_with("besides") && OTHER_HISTORIES.iter().any(|name| phrase.contains(name))
    };
    let mut differences = expected.differences(found);
    differences.retain(|phrase| !foreign(phrase));
    if differences.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::new(
        Exit::Drift,
        format!("the database is not what the migrations up to V{version} give"),
    );
    for difference in differences.iter().take(SHOWN_MAX) {
        failure = failure.detail(format!("{difference}."));
    }
    if differences.len() > SHOWN_MAX {
        failure = failure.detail(format!("And {} more.", differences.len() - SHOWN_MAX));
    }
    Err(failure
        .detail("Nothing was recorded.")
        .hint("Choose the version that fits, mend the database, or take it as it is: --unverified"))
}

async fn build(
    database: &Server,
    wanted: Wanted<'_>,
    without: &[String],
    report: Report<'_>,
) -> Result<Shape> {
    let timeout = Duration::from_secs(60);
    bootstrap::run(
        database,
        wanted.manifest,
        wanted.migrations,
        timeout,
        report,
    )
    .await?;
    let mut work = Work::begin(database, "edu db baseline", timeout, report).await?;
    let context = Context::new(
        &wanted.manifest.name,
        "edu db baseline",
        Provenance::default,
    );
    let plan = Plan {
        migrations: wanted.migrations,
        stage: Stage::Ordinary,
        to: Some(wanted.version),
        owner: wanted.manifest.roles.owner.as_deref(),
        context: &context,
        tolerance: Tolerance::default(),
    };
    migrate::run(&mut work.connection, &work.lock, &plan, report).await?;
    let applied = history::read(&mut work.connection).await?;
    let last = applied.last().map_or(-1, |row| row.version);
    if last != wanted.version {
        return Err(Failure::refused(format!(
            "the scratch database could only be brought to V{last}, not to V{}",
            wanted.version
        ))
        .hint("Adopt the database without the proof: --unverified"));
    }
    session::reset(&mut work.connection).await?;
    let shape = shape::read(&mut work.connection, without).await?;
    work.end().await;
    Ok(shape)
}

async fn drop_database(scratch: &Server, name: &str) -> Result<()> {
    let (mut connection, _) = session::open_for_writing(
        &scratch.with_database(bootstrap::MAINTENANCE),
        "edu db baseline",
    )
    .await?;
    let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name));
    session::run(&mut connection, &sql, "drop the scratch database").await
}
