//! `edu db rls perf`

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use comfy_table::{Table, presets};

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;
use crate::posture::Relation;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;

/// What a policy's expression makes the server do: its form, and when it is evaluated.
fn form(scene: &Scene<'_>, expr: Option<&Expr>) -> (&'static str, &'static str) {
    let Some(expr) = expr else {
        return ("none", "never");
    };
    let (mut once, mut per_row, mut setting, mut called, mut volatile) =
        (false, false, false, false, false);
    expr.walk(&mut |inner| match inner {
        Expr::SubSelect { query, .. } => {
            let own = inner.columns().is_empty();
            per_row |= !own || query.select.is_none();
            once |= own && query.select.is_some();
        }
        Expr::Call(function, _) if scene.readers.contains(function) => setting = true,
        Expr::Call(function, _) => {
            called = true;
            volatile |= scene
                .function(*function)
                .is_some_and(|function| function.volatility == 'v');
        }
        _ => {}
    });
    match (volatile, per_row, once, called, setting) {
        (true, ..) => ("function", "per row, VOLATILE: no index serves it"),
        (_, true, ..) => ("sub-select", "per row, or once as a hashed list"),
        (_, _, true, ..) => (
            "init-plan",
            "once per query; estimates do not know the tenant",
        ),
        (_, _, _, true, _) => (
            "function",
            "folded at plan time; once per index scan, else per row",
        ),
        (_, _, _, _, true) => (
            "inline",
            "folded at plan time; once per index scan, else per row",
        ),
        _ => ("constant", "folded at plan time"),
    }
}

/// A table of every promised table's policies with form, folding, index and estimated cost.
///
/// # Errors
/// By SQLSTATE; everything is rolled back.
pub(super) async fn table(connection: &mut PgConnection, scene: &Scene<'_>) -> Result<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "table",
        "policy",
        "form",
        "evaluated",
        "index led by the tenant",
        "cost with",
        "cost without",
        "reads by",
    ]);
    for (relation, _) in scene.promised().filter(|(relation, _)| relation.secured) {
        let number = scene.carrying_number(relation);
        let led = scene.posture.indexes.iter().find(|index| {
            index.table == relation.oid
                && index.valid
                && !index.partial
                && index.columns.first().copied() == number
        });
        let (with, by) = match scene
            .applications
            .iter()
            .find(|role| relation.grants(role, "r"))
        {
            Some(role) => explain(connection, scene, relation, Some(role)).await?,
            None => ("-".to_owned(), "-".to_owned()),
        };
        let (without, _) = explain(connection, scene, relation, None).await?;
        for policy in scene.policies.get(&relation.oid).into_iter().flatten() {
            let sides = scene.sides(policy);
            let (mut form, mut evaluated) = form(scene, sides.first().map(|(_, expr)| *expr));
            // (SELECT setting) means the same as the setting, and costs something else.
            let text = policy.using_text.as_ref().or(policy.check_text.as_ref());
            if form == "inline" && text.is_some_and(|text| text.contains("SELECT")) {
                (form, evaluated) = (
                    "init-plan",
                    "once per query; estimates do not know the tenant",
                );
            }
            let index = led.map_or("none", |index| index.name.as_str());
            table.add_row(
                [
                    &relation.full_name(),
                    &policy.name,
                    form,
                    evaluated,
                    index,
                    &with,
                    &without,
                    &by,
                ]
                .map(str::to_owned),
            );
        }
    }
    Ok(table.to_string())
}

/// The planner's cost of reading everything visible, and how it reads.
async fn explain(
    connection: &mut PgConnection,
    scene: &Scene<'_>,
    relation: &Relation,
    role: Option<&str>,
) -> Result<(String, String)> {
    let mut sql = "BEGIN READ ONLY; ".to_owned();
    if let (Some(role), Some(setting)) = (role, &scene.tenant_setting) {
        let nil = quote_literal("00000000-0000-0000-0000-000000000000")?;
        sql.push_str(&format!(
            "SELECT pg_catalog.set_config({}, {nil}, true); SET LOCAL ROLE {}",
            quote_literal(setting)?,
            quote_ident(role)
        ));
    }
    session::run(connection, &sql, "enter a context").await?;
    let explain = format!(
        "EXPLAIN (FORMAT JSON) SELECT * FROM {}",
        relation.full_name()
    );
    let row = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await;
    session::run(connection, "ROLLBACK", "leave the context").await?;
    let row = row.map_err(|error| {
        failure(
            &format!("explain a query on {}", relation.full_name()),
            &error,
        )
    })?;
    let plan: serde_json::Value = row.try_get(0).unwrap_or_default();
    let plan = &plan[0]["Plan"];
    Ok((
        plan["Total Cost"].to_string(),
        plan["Node Type"].as_str().unwrap_or("?").to_owned(),
    ))
}
