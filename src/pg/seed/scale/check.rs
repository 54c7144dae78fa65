//! Whether each tenant sees the rows that were generated for it, and no others.
//!
//! Everything is read as the application role, in a transaction that cannot write. Rows are counted by the server,
//! and their keys added up, so that neither side holds them.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::catalog::name::{Name, quote_ident};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::seed::{Checked, Difference};
use crate::pg::session;
use crate::progress::{Progress, Report, Unit};
use crate::seed::scale::{Key, Plan};
use crate::spec::access::{Access, Command, Rule};
use crate::spec::manifest::Manifest;

/// Compares what each tenant's context shows with what the plan generates for it, in every table whose rows are
/// promised to be the tenant's. Nothing is written.
///
/// # Errors
/// Exit 2 when the project says too little of roles, settings and access, else by SQLSTATE.
pub async fn check(
    connection: &mut PgConnection,
    plan: &Plan,
    manifest: &Manifest,
    access: Option<&Access>,
    report: Report<'_>,
) -> Result<Checked> {
    let setting = manifest.context.tenant.as_deref();
    let role = manifest.roles.application.as_deref();
    let (Some(setting), Some(role), Some(access)) = (setting, role, access) else {
        return Err(Failure::usage("the project does not say what a tenant sees")
            .detail("A check needs roles.application and context.tenant in edu.toml, and spec/access.toml."));
    };
    let promised = |table: &Name| access.rule(role, table, Command::Select) == Rule::Tenant;
    let tables: Vec<usize> = (0..plan.tables.len())
        .filter(|at| promised(&plan.tables[*at].table.name))
        .collect();
    session::reset(connection).await?;
    session::run(connection, "BEGIN READ ONLY", "begin a transaction").await?;
    let tenants = plan.tenants();
    let doing = "looking at the rows of each tenant";
    report(Progress::counted(doing, tenants as u64, Unit::Items));
    let mut checked = Checked::default();
    for tenant in 0..tenants {
        let Some(id) = plan.tenant(tenant) else {
            continue;
        };
        checked.contexts += 1;
        enter(connection, setting, &id, role).await?;
        for at in &tables {
            checked.rows += usize::try_from(plan.tables[*at].rows_of(tenant)).unwrap_or(0);
            if let Some(what) = one(connection, plan, *at, tenant).await? {
                checked.differences.push(Difference {
                    context: id.clone(),
                    table: plan.tables[*at].table.name.to_string(),
                    what,
                    place: None,
                });
            }
        }
        report(Progress::At(tenant as u64 + 1));
    }
    report(Progress::Done);
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    Ok(checked)
}

async fn enter(
    connection: &mut PgConnection,
    setting: &str,
    tenant: &str,
    role: &str,
) -> Result<()> {
    session::run(connection, "RESET ROLE", "enter the context").await?;
    sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
        .bind(setting)
        .bind(tenant)
        .execute(&mut *connection)
        .await
        .map_err(|error| failure("enter the context", &error))?;
    session::become_role_locally(connection, Some(role)).await
}

/// What is wrong with one table in one tenant's context, worded to follow the table.
async fn one(
    connection: &mut PgConnection,
    plan: &Plan,
    at: usize,
    tenant: usize,
) -> Result<Option<String>> {
    let table = &plan.tables[at].table.name;
    let (wanted, key) = plan.sum(at, tenant);
    // Bits of UUIDs are added without carrying; numbers are added up.
    let sum = match &key {
        Some((column, Key::Uuid(_))) => format!(
            "pg_catalog.bit_xor(('x' || pg_catalog.replace({}::text, '-', ''))::bit(128))::text",
            quote_ident(column)
        ),
        Some((column, Key::Integer(_))) => {
            format!("pg_catalog.sum({})::text", quote_ident(column))
        }
        None => "NULL::text".to_owned(),
    };
    let sql = format!("SELECT pg_catalog.count(*) AS rows, {sum} AS sum FROM {table}");
    let read = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure(&format!("look at {table}"), &error))?;
    let found = read.get::<i64, _>("rows").unsigned_abs();
    if found != wanted {
        return Ok(Some(format!("shows {found} rows, {wanted} were generated")));
    }
    let sum: Option<String> = read.get("sum");
    let same = match (&key, sum) {
        (Some((_, key)), Some(sum)) => key.to_string() == sum,
        _ => true,
    };
    Ok((!same).then(|| format!("shows {found} rows, but not those that were generated")))
}
