//! Recall as it is: of the index, and of what the application's role gets for tenants of each size.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::search::{self, Search, Way};
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::{Server, session};
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::vectors::VectorIndex;
use crate::vector::recall::{Recall, Tenant, representatives, score};

/// How many vectors are searched for within one tenant, at most.
const TENANT_QUERIES_MAX: u32 = 40;

/// What was measured on one index.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Measured {
    /// Through the index, over all rows.
    pub overall: Option<Recall>,
    /// As the application's role, for one tenant of each size.
    pub tenants: Vec<TenantRecall>,
    /// Why no tenant was measured.
    pub no_tenants: Option<String>,
}

/// What a tenant's searches find.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TenantRecall {
    /// The tenant.
    pub tenant: Tenant,
    /// Its part of all rows.
    pub share: f64,
    /// What was measured.
    pub recall: Recall,
}

impl Measured {
    /// What lies below `floor`: one sentence each.
    pub fn below(&self, floor: f64) -> Vec<String> {
        let mut below = Vec::new();
        if let Some(overall) = self.overall.filter(|overall| overall.recall < floor) {
            below.push(format!(
                "recall@10 is {:.3}, declared is at least {floor}",
                overall.recall
            ));
        }
        for one in self.tenants.iter().filter(|one| one.recall.recall < floor) {
            below.push(format!(
                "recall@10 is {:.3} for tenant {} ({:.1} % of the rows, {:.1} of {:.1} rows returned), \
                 declared is at least {floor}",
                one.recall.recall,
                one.tenant.id,
                one.share * 100.0,
                one.recall.returned,
                one.recall.possible,
            ));
        }
        below
    }
}

/// Measures `index` with `queries` vectors taken from its own table. `tenant` is the column that holds
/// the tenant, if the table has one. Nothing is written.
///
/// # Errors
/// When this login may not read the table or become the application's role.
pub async fn measure(
    server: &Server,
    manifest: &Manifest,
    index: &VectorIndex,
    tenant: Option<&str>,
    queries: u32,
    report: Report<'_>,
) -> Result<Measured> {
    let (mut connection, _) = session::open(server, "edu db index status").await?;
    let search = search::prepare(&mut connection, index).await?;
    let stage = format!("measuring the recall of {}", index.name);
    report(Progress::counted(stage, u64::from(queries), Unit::Items));
    search.begin(&mut connection).await?;
    session::run(
        &mut connection,
        "SET LOCAL row_security = off",
        "see all rows",
    )
    .await?;
    let samples = search.samples(&mut connection, queries).await?;
    let mut trials = Vec::new();
    for (at, part) in samples.chunks(10).enumerate() {
        report(Progress::At(at as u64 * 10));
        trials.extend(search.trials(&mut connection, part, Way::Index).await?);
    }
    let overall = score(&trials);
    let (tenants, no_tenants) = match within(manifest, tenant) {
        Ok(within) => {
            let all = tenants(&mut connection, index, within.column).await?;
            (
                measure_tenants(&mut connection, &search, &within, &all, queries, report).await?,
                None,
            )
        }
        Err(why) => (Vec::new(), Some(why.to_owned())),
    };
    report(Progress::Done);
    session::run(&mut connection, "ROLLBACK", "end the measurement").await?;
    Ok(Measured {
        overall,
        tenants,
        no_tenants,
    })
}

/// What it takes to be a tenant's session.
pub(super) struct Within<'a> {
    pub column: &'a str,
    setting: &'a str,
    user: Option<&'a str>,
    role: &'a str,
    login: Option<&'a str>,
}

/// What it takes to be a tenant's session, or what is missing for it.
pub(super) fn within<'a>(
    manifest: &'a Manifest,
    tenant: Option<&'a str>,
) -> std::result::Result<Within<'a>, &'static str> {
    Ok(Within {
        column: tenant.ok_or("spec/access.toml names no tenant column for the table")?,
        setting: manifest
            .context
            .tenant
            .as_deref()
            .ok_or("edu.toml does not say context.tenant")?,
        user: manifest.context.user.as_deref(),
        role: manifest
            .roles
            .application
            .as_deref()
            .ok_or("edu.toml does not say roles.application")?,
        login: manifest.roles.login.as_deref(),
    })
}

/// The tenants with their rows.
pub(super) async fn tenants(
    connection: &mut PgConnection,
    index: &VectorIndex,
    column: &str,
) -> Result<Vec<Tenant>> {
    let sql = format!(
        "SELECT {column}::text AS id, count(*) AS rows FROM {} WHERE {column} IS NOT NULL
         AND ({}) IS NOT NULL AND {} GROUP BY 1",
        index.table,
        super::ddl::target(index),
        index.predicate.as_deref().unwrap_or("true"),
        column = quote_ident(column),
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .map_err(|error| failure(&format!("count the tenants of {}", index.table), &error))?;
    let tenants = rows.iter().map(|row| Tenant {
        id: row.get("id"),
        rows: row.get::<i64, _>("rows").unsigned_abs(),
    });
    Ok(tenants.collect())
}

async fn measure_tenants(
    connection: &mut PgConnection,
    search: &Search,
    within: &Within<'_>,
    all: &[Tenant],
    queries: u32,
    report: Report<'_>,
) -> Result<Vec<TenantRecall>> {
    let total: u64 = all.iter().map(|tenant| tenant.rows).sum();
    let mut measured = Vec::new();
    for tenant in representatives(all) {
        report(Progress::Detail(format!("as tenant {}", tenant.id)));
        enter(connection, within, &tenant.id).await?;
        let count = queries.min(TENANT_QUERIES_MAX);
        let samples = search.samples(connection, count).await?;
        let trials = search.trials(connection, &samples, Way::Free).await?;
        leave(connection).await?;
        if let Some(recall) = score(&trials) {
            measured.push(TenantRecall {
                share: tenant.rows as f64 / total.max(1) as f64,
                tenant,
                recall,
            });
        }
    }
    Ok(measured)
}

/// Becomes the application in a tenant's context, with the settings its login gets. Ends with
/// [`leave`].
pub(super) async fn enter(
    connection: &mut PgConnection,
    within: &Within<'_>,
    tenant: &str,
) -> Result<()> {
    let doing = "enter a tenant's context";
    session::run(
        connection,
        "SAVEPOINT tenant; SET LOCAL row_security = on",
        doing,
    )
    .await?;
    let mut settings = login_settings(connection, within.login).await?;
    settings.push((within.setting.to_owned(), tenant.to_owned()));
    if let Some(user) = within.user {
        settings.push((user.to_owned(), String::new()));
    }
    for (setting, value) in settings {
        sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
            .bind(setting)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(|error| failure(doing, &error))?;
    }
    session::become_role_locally(connection, Some(within.role)).await
}

/// Goes back to what the session was before [`enter`].
pub(super) async fn leave(connection: &mut PgConnection) -> Result<()> {
    session::run(
        connection,
        "ROLLBACK TO SAVEPOINT tenant",
        "leave a tenant's context",
    )
    .await
}

/// pgvector's settings that the application's login gets when it connects; the weaker ones first.
/// Source: `pg_db_role_setting`.
async fn login_settings(
    connection: &mut PgConnection,
    login: Option<&str>,
) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT pg_catalog.split_part(c, '=', 1) AS name,
                pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) AS value
         FROM pg_catalog.pg_db_role_setting s
         CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c
         JOIN pg_catalog.pg_roles r ON r.oid = s.setrole AND r.rolname = $1
         LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
         WHERE (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
           AND (c LIKE 'hnsw.%' OR c LIKE 'ivfflat.%')
         ORDER BY s.setdatabase <> 0",
    )
    .bind(login)
    .fetch_all(connection)
    .await
    .map_err(|error| failure("read the login's settings", &error))?;
    Ok(rows
        .iter()
        .map(|row| (row.get("name"), row.get("value")))
        .collect())
}
