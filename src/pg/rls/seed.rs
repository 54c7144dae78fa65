//! Makes the rows of a world, as somebody whom nothing hides anything from.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;

use super::attempt::{attempt, keep, one, run, undo};
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::posture::{Oid, Relation};
use crate::probe::shape::Shape;
use crate::probe::value;
use crate::probe::world::{Row, Who, World, insert};

/// What could not be made: the table and why.
pub(super) type Missing = Vec<(Oid, String)>;

/// Makes one row per table and owner. `superuser` allows the last resort: without triggers and foreign keys.
pub(super) async fn rows(
    connection: &mut PgConnection,
    world: &World<'_>,
    owners: &[Who],
    superuser: bool,
) -> Result<Missing> {
    run(connection, "SET CONSTRAINTS ALL DEFERRED").await?;
    let mut missing = Vec::new();
    for relation in world.order() {
        for who in owners {
            if *who == Who::A2 && world.scene.is_root(relation) {
                continue;
            }
            let row = world.row(relation.oid, *who, "");
            if let Some(why) = make(connection, world, relation, *who, row, superuser).await? {
                // A second row of a tenant may have no place where the tenant itself is unique.
                if *who != Who::A2 {
                    missing.push((relation.oid, why));
                }
            }
        }
    }
    Ok(missing)
}

/// Makes a row in one of three ways. Shape: why not, if none worked.
async fn make(
    connection: &mut PgConnection,
    world: &World<'_>,
    relation: &Relation,
    who: Who,
    row: Row,
    superuser: bool,
) -> Result<Option<String>> {
    let mut outcome = attempt(connection, &insert(relation, &row)).await?;
    if outcome.error.is_none() {
        keep(connection).await?;
        return Ok(None);
    }
    undo(connection).await?;
    let mut row = row;
    if outcome.error.as_deref() == Some("23514")
        && let Some(shape) = world.shape(relation.oid).cloned()
    {
        {
            solve(connection, world, &shape, who).await?;
            row = world.row(relation.oid, who, "");
            outcome = attempt(connection, &insert(relation, &row)).await?;
            if outcome.error.is_none() {
                keep(connection).await?;
                return Ok(None);
            }
            undo(connection).await?;
        }
    }
    if superuser {
        run(connection, "SET LOCAL session_replication_role = replica").await?;
        outcome = attempt(connection, &insert(relation, &row)).await?;
        match outcome.error {
            None => keep(connection).await?,
            Some(_) => undo(connection).await?,
        }
        run(connection, "SET LOCAL session_replication_role = origin").await?;
    }
    Ok(outcome
        .error
        .map(|code| format!("{} ({code})", outcome.message)))
}

/// Lets the server search values that pass all CHECKs of a table.
async fn solve(
    connection: &mut PgConnection,
    world: &World<'_>,
    shape: &Shape,
    who: Who,
) -> Result<()> {
    let domain = shape.columns.iter().flat_map(|column| column.checks.iter());
    let checks: Vec<String> = shape.checks.iter().chain(domain).cloned().collect();
    let text = checks.join(" ");
    let bound: Vec<_> = shape
        .columns
        .iter()
        .filter(|column| {
            !column.generated && (text.contains(&column.name) || !column.checks.is_empty())
        })
        .take(6)
        .collect();
    if bound.is_empty() {
        return Ok(());
    }
    let mut sources = Vec::new();
    let mut picked = Vec::new();
    let mut told = BTreeMap::new();
    for column in &bound {
        let plain = world.value(shape.oid, column, who, "");
        let mut values = value::candidates(column, &plain, &checks);
        // Carriers keep their value: the solution has to fit this row's owner.
        if world
            .keys(shape.oid)
            .iter()
            .any(|key| key.columns.contains(&column.number))
        {
            values = vec![plain];
        }
        let name = quote_ident(&column.name);
        let list: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
        sources.push(format!("(VALUES {}) AS {name}_ ({name})", list.join(", ")));
        picked.push(format!(
            "pg_catalog.quote_nullable({name}::pg_catalog.text)"
        ));
        told.insert(column.number, column.data_type.clone());
    }
    let conditions: Vec<String> = checks
        .iter()
        .map(|check| format!("({check}) IS NOT FALSE"))
        .collect();
    let from = sources.join(" CROSS JOIN ");
    let whole = bound
        .iter()
        .map(|column| quote_ident(&column.name))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "SELECT pg_catalog.concat_ws(E'\\x01', {}) FROM (SELECT {whole} FROM {from} WHERE {} LIMIT 1) s",
        picked.join(", "),
        conditions.join(" AND ")
    );
    let found = attempt(connection, &sql).await?;
    undo(connection).await?;
    if found.error.is_none() && !found.text.is_empty() {
        for ((number, data_type), value) in told.into_iter().zip(found.text.split('\u{1}')) {
            let carried = world
                .keys(shape.oid)
                .iter()
                .any(|key| key.columns.contains(&number));
            if !carried {
                world
                    .solved
                    .borrow_mut()
                    .insert((shape.oid, number), format!("{value}::{data_type}"));
            }
        }
    }
    Ok(())
}

/// Rows of B and of A's other user with other values in the columns that policies speak of.
pub(super) async fn variants(
    connection: &mut PgConnection,
    world: &World<'_>,
    owners: &[Who],
) -> Result<usize> {
    let mut made = 0;
    for (relation, _) in world
        .scene
        .promised()
        .filter(|(relation, _)| relation.is_table())
    {
        let Some(shape) = world.shape(relation.oid) else {
            continue;
        };
        let policies = world
            .scene
            .policies
            .get(&relation.oid)
            .map_or(&[][..], Vec::as_slice);
        let mut spoken: Vec<i32> = policies
            .iter()
            .flat_map(|policy| world.scene.sides(policy))
            .flat_map(|(_, expr)| expr.columns())
            .collect();
        spoken.sort_unstable();
        spoken.dedup();
        let texts = policies
            .iter()
            .flat_map(|p| [&p.using_text, &p.check_text])
            .flatten();
        let mined: Vec<String> = texts.flat_map(|text| value::mine(text)).collect();
        for column in shape
            .columns
            .iter()
            .filter(|column| spoken.contains(&column.number) && !column.generated)
        {
            if world
                .keys(relation.oid)
                .iter()
                .any(|key| key.columns.contains(&column.number) && column.not_null)
                || shape.key.contains(&column.number)
            {
                continue;
            }
            for (at, other) in value::variants(column, &mined).into_iter().enumerate() {
                for who in owners.iter().copied() {
                    let mut row =
                        world.row(relation.oid, who, &format!("variant {} {at}", column.name));
                    row.retain(|(name, _)| *name != column.name);
                    row.push((column.name.clone(), other.clone()));
                    let outcome = attempt(connection, &insert(relation, &row)).await?;
                    match outcome.error {
                        None => keep(connection).await?,
                        Some(_) => undo(connection).await?,
                    }
                    made += 1;
                }
            }
        }
    }
    Ok(made)
}

/// What is not tenant A's in the promised tables, as one hash.
pub(super) fn foreign(world: &World<'_>) -> String {
    let mut parts = Vec::new();
    for (relation, promise) in world
        .scene
        .promised()
        .filter(|(relation, _)| relation.is_table())
    {
        let Some(carried) = promise.tenant.as_ref() else {
            continue;
        };
        if let Some(theirs) = world.holds(relation, carried, Who::B1) {
            parts.push(format!(
                "(SELECT pg_catalog.md5(pg_catalog.string_agg(x::pg_catalog.text, '|' ORDER BY x::pg_catalog.text)) FROM {} x WHERE {theirs})",
                relation.full_name(),
            ));
        }
    }
    match parts.is_empty() {
        true => "SELECT ''".to_owned(),
        false => format!(
            "SELECT pg_catalog.md5(pg_catalog.concat_ws('|', {}))",
            parts.join(", ")
        ),
    }
}

/// Brings readable materialized views up to date, where that is possible.
pub(super) async fn refresh(connection: &mut PgConnection, world: &World<'_>) -> Result<()> {
    for view in world
        .scene
        .posture
        .relations
        .iter()
        .filter(|relation| relation.kind == 'm' && !relation.extension)
    {
        let outcome = attempt(
            connection,
            &format!("REFRESH MATERIALIZED VIEW {}", view.full_name()),
        )
        .await?;
        match outcome.error {
            None => keep(connection).await?,
            Some(_) => undo(connection).await?,
        }
    }
    Ok(())
}

/// Text that SQL gives, evaluated now.
pub(super) async fn text(connection: &mut PgConnection, sql: &str) -> Result<String> {
    one(connection, &format!("SELECT {sql}")).await
}
