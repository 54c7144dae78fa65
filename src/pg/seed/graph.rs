//! Vertices and edges of a profile: checked against the ontology first, then written as the application, in the
//! tenant's context.
//!
//! They go into the label's tables by INSERT, whose policies, guard and constraints look at every one of them.

use serde_json::{Map, Value as Json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::value::literal_json;
use super::{Outcome, Plan, plain};
use crate::catalog::name::quote_literal;
use crate::failure::{Exit, Failure, Result};
use crate::graph::compare::Wanted;
use crate::graph::expression::{access_to, text_of};
use crate::graph::transfer::{self, End, complete};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::ontology::Ontology;
use crate::spec::seed::{Cell, Item, Vertex};

/// One vertex or edge that fits the ontology.
#[derive(Debug)]
pub(super) struct Ready {
    item: transfer::Item,
    tenant: Option<String>,
    user: Option<String>,
    /// The property that tells vertices of the label apart.
    key: Option<String>,
}

/// Checks everything that the files say about the graph. Shape: in the order of [`Seed::items`].
///
/// [`Seed::items`]: crate::spec::seed::Seed::items
///
/// # Errors
/// Exit 2 with file, line and column.
pub(super) fn check(plan: &Plan<'_>, ontology: Option<&Ontology>) -> Result<Vec<Ready>> {
    let mut ready: Vec<Ready> = Vec::new();
    for item in &plan.seed.items {
        let Some(ontology) = ontology else {
            return Err(refused(
                plan,
                item,
                "the project has no graph/ontology.toml",
            ));
        };
        let one = one(plan, ontology, item, &ready)?;
        let same = |other: &Ready| {
            other.key.is_some()
                && one.item.from.is_none()
                && other.item.label == one.item.label
                && id(other) == id(&one)
        };
        if one.key.is_some() && ready.iter().any(same) {
            let error = format!("two vertices of {} have the same {}", item.label, key(&one));
            return Err(refused(plan, item, &error));
        }
        ready.push(one);
    }
    Ok(ready)
}

fn one(plan: &Plan<'_>, ontology: &Ontology, item: &Item, ready: &[Ready]) -> Result<Ready> {
    let context = |cell: &Option<Cell>| -> Result<Option<String>> {
        let value = cell
            .as_ref()
            .map(|cell| fixed(plan, item, cell))
            .transpose()?;
        Ok(value.map(|value| plain(&value)))
    };
    let mut properties = Map::new();
    for cell in &item.properties {
        properties.insert(cell.column.clone(), fixed(plan, item, cell)?);
    }
    let given = properties.get(&ontology.tenant_property).map(plain);
    let tenant = context(&item.tenant)?.or(given);
    let mut one = Ready {
        item: transfer::Item {
            label: item.label.clone(),
            from: None,
            to: None,
            properties,
        },
        user: context(&item.user)?,
        key: None,
        tenant,
    };
    if let Some((from, to)) = &item.ends {
        one.item.from = Some(end(plan, item, &one, from, ready)?);
        one.item.to = Some(end(plan, item, &one, to, ready)?);
    }
    if let Err(error) = complete(&mut one.item, ontology, one.tenant.as_deref()) {
        let named = error
            .strip_prefix("property \"")
            .and_then(|rest| rest.split_once('"'));
        let cell = named.and_then(|(name, _)| item.properties.iter().find(|c| c.column == name));
        let span = cell.map_or(item.span.clone(), |cell| cell.span.clone());
        return Err(Failure::usage(format!("{}: {error}", item.label))
            .at(plan.seed.documents[item.file].excerpt(span, "here"))
            .hint("graph/ontology.toml says what the label may hold."));
    }
    if item.ends.is_none() {
        let unique = ontology.label(&item.label).and_then(transfer::key);
        let key = unique.unwrap_or("id").to_owned();
        if !one.item.properties.contains_key(&key) {
            let error = format!(
                "a vertex of {} has no \"{key}\", by which it is found again",
                item.label
            );
            return Err(refused(plan, item, &error));
        }
        one.key = Some(key);
    }
    Ok(one)
}

/// The vertex at an end. Both ends belong to the tenant of the edge.
fn end(
    plan: &Plan<'_>,
    item: &Item,
    edge: &Ready,
    end: &crate::spec::seed::End,
    ready: &[Ready],
) -> Result<End> {
    match &end.vertex {
        Vertex::Stored { label, id } => Ok(End {
            label: label.clone(),
            id: id.clone(),
        }),
        Vertex::Named(at) => {
            let vertex = ready
                .get(*at)
                .ok_or_else(|| Failure::bug("an edge was looked at before its vertices"))?;
            if vertex.tenant != edge.tenant {
                let tenant = |one: &Ready| one.tenant.clone().unwrap_or_else(|| "none".to_owned());
                return Err(Failure::usage(format!(
                    "an edge of {} crosses tenants: it belongs to {}, the vertex to {}",
                    item.label,
                    tenant(edge),
                    tenant(vertex)
                ))
                .at(plan.seed.documents[item.file].excerpt(end.span.clone(), "here")));
            }
            Ok(End {
                label: vertex.item.label.clone(),
                id: id(vertex),
            })
        }
    }
}

fn key(vertex: &Ready) -> &str {
    vertex.key.as_deref().unwrap_or("id")
}

fn id(vertex: &Ready) -> String {
    vertex
        .item
        .properties
        .get(key(vertex))
        .map_or(String::new(), plain)
}

/// A value that is known before anything is written.
fn fixed(plan: &Plan<'_>, item: &Item, cell: &Cell) -> Result<Json> {
    let Some(reference) = cell.value.references().first().copied() else {
        return Ok(literal_json(&cell.value));
    };
    let refused = |error: String| {
        Failure::usage(error).at(plan.seed.documents[item.file].excerpt(cell.span.clone(), "here"))
    };
    let name = &reference.name;
    let id = plan
        .seed
        .named(name)
        .ok_or_else(|| refused(format!("no row is named \"{name}\"")))?;
    let (table, row) = plan.seed.row(id);
    let column = match (
        &reference.column,
        plan.shape.primary(&table.name),
        table.key.as_slice(),
    ) {
        (Some(column), ..) => column.as_str(),
        (None, Some(primary), _) => primary,
        (None, None, [only]) => only,
        _ => return Err(refused(format!("which column of \"{name}\" is meant?"))),
    };
    match row.cell(column).filter(|cell| cell.value.is_literal()) {
        Some(literal) => Ok(literal_json(&literal.value)),
        None => Err(refused(format!("\"{column}\" of row \"{name}\" is not known before it is written"))
            .hint(format!("Give the row \"{name}\" a fixed {column}: the graph is checked before anything is written."))),
    }
}

fn refused(plan: &Plan<'_>, item: &Item, error: &str) -> Failure {
    plan.seed.documents[item.file].failure(item.span.clone(), error)
}

/// Writes what is missing, within the transaction of the rows.
///
/// # Errors
/// With file, line and column; exit 1 when an end does not exist in the edge's tenant.
pub(super) async fn write(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    ontology: &Ontology,
    ready: &[Ready],
    outcome: &mut Outcome,
) -> Result<()> {
    // Loads AGE where the server does not: a role that is no superuser could not.
    let load =
        "RESET ROLE; SELECT '1'::ag_catalog.agtype; SET LOCAL search_path = pg_catalog, ag_catalog";
    session::run(connection, load, "load AGE").await?;
    let wanted = Wanted {
        manifest: plan.manifest,
        ontology,
    };
    let mut entered: Option<(&Option<String>, &Option<String>)> = None;
    for (item, one) in plan.seed.items.iter().zip(ready) {
        if entered != Some((&one.tenant, &one.user)) {
            enter(connection, plan, one).await?;
            entered = Some((&one.tenant, &one.user));
        }
        let written = match (&one.item.from, &one.item.to) {
            (Some(from), Some(to)) => edge(connection, plan, wanted, item, one, (from, to)).await?,
            _ => vertex(connection, plan, wanted, item, one).await?,
        };
        outcome.count(&wanted.table(&item.label)?.to_string(), written);
    }
    Ok(())
}

async fn enter(connection: &mut PgConnection, plan: &Plan<'_>, one: &Ready) -> Result<()> {
    session::run(connection, "RESET ROLE", "enter the writer's role").await?;
    for (setting, value) in [
        (&plan.manifest.context.tenant, &one.tenant),
        (&plan.manifest.context.user, &one.user),
    ] {
        let Some(setting) = setting else { continue };
        sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
            .bind(setting)
            .bind(value.as_deref().unwrap_or(""))
            .execute(&mut *connection)
            .await
            .map_err(|error| failure("enter the context for the graph", &error))?;
    }
    let role = plan.manifest.roles.application.as_deref();
    session::become_role_locally(connection, role).await
}

/// The condition on a vertex's properties that its unique index serves.
fn is(alias: &str, property: &str, value: &Json) -> Result<String> {
    Ok(format!(
        "{} OPERATOR(ag_catalog.=) {}::ag_catalog.agtype",
        access_to(property)?.replace("properties", &format!("{alias}.properties")),
        quote_literal(&value.to_string())?
    ))
}

fn map(one: &Ready) -> Result<String> {
    let text = Json::Object(one.item.properties.clone()).to_string();
    Ok(format!("{}::ag_catalog.agtype", quote_literal(&text)?))
}

async fn vertex(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    wanted: Wanted<'_>,
    item: &Item,
    one: &Ready,
) -> Result<bool> {
    let table = wanted.table(&item.label)?;
    let value = one
        .item
        .properties
        .get(key(one))
        .cloned()
        .unwrap_or_default();
    let sql = format!(
        "INSERT INTO {table} (properties) SELECT {} WHERE NOT EXISTS (SELECT FROM {table} v WHERE {})",
        map(one)?,
        is("v", key(one), &value)?
    );
    run(connection, plan, item, sql).await
}

async fn edge(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    wanted: Wanted<'_>,
    item: &Item,
    one: &Ready,
    ends: (&End, &End),
) -> Result<bool> {
    let table = wanted.table(&item.label)?;
    let from = stored(connection, plan, wanted, (item, one), ends.0, Side::From).await?;
    let to = stored(connection, plan, wanted, (item, one), ends.1, Side::To).await?;
    let mut same = String::new();
    let own = one
        .item
        .properties
        .contains_key("id")
        .then(|| "id".to_owned());
    for property in item.key.iter().chain(&own) {
        let value = one
            .item
            .properties
            .get(property)
            .cloned()
            .unwrap_or_default();
        same.push_str(&format!(" AND {}", is("e", property, &value)?));
    }
    let sql = format!(
        "INSERT INTO {table} (start_id, end_id, properties) SELECT '{from}'::ag_catalog.graphid, '{to}'::ag_catalog.graphid, {}
         WHERE NOT EXISTS (SELECT FROM {table} e WHERE e.start_id OPERATOR(ag_catalog.=) '{from}'::ag_catalog.graphid
           AND e.end_id OPERATOR(ag_catalog.=) '{to}'::ag_catalog.graphid{same})",
        map(one)?
    );
    run(connection, plan, item, sql).await
}

/// Which end of an edge.
#[derive(Clone, Copy)]
enum Side {
    From,
    To,
}

/// The graph id of the vertex at an end, if it exists in the edge's tenant.
async fn stored(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    wanted: Wanted<'_>,
    (item, one): (&Item, &Ready),
    end: &End,
    side: Side,
) -> Result<String> {
    let table = wanted.table(&end.label)?;
    let label = wanted.ontology.label(&end.label);
    let property = label.and_then(transfer::key).unwrap_or("id");
    let tenant = match &one.tenant {
        Some(tenant) => format!(
            " AND {} = {}",
            text_of(&wanted.ontology.tenant_property)?.replace("properties", "v.properties"),
            quote_literal(tenant)?
        ),
        None => String::new(),
    };
    let sql = format!(
        "SELECT v.id::text AS id FROM {table} v WHERE {}{tenant}",
        is("v", property, &Json::from(end.id.as_str()))?
    );
    let found = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .map_err(|error| failure(&format!("look for a vertex of {}", end.label), &error))?;
    if let Some(row) = found.first() {
        return Ok(row.get("id"));
    }
    let span = item.ends.as_ref().map(|(from, to)| match side {
        Side::From => from.span.clone(),
        Side::To => to.span.clone(),
    });
    let document = &plan.seed.documents[item.file];
    Err(Failure::new(
        Exit::Findings,
        format!(
            "an edge of {} names a {} that does not exist",
            item.label, end.label
        ),
    )
    .detail(format!(
        "Looked for {property} = \"{}\" in {}.",
        end.id,
        one.tenant
            .as_ref()
            .map_or("the graph".to_owned(), |tenant| format!("tenant {tenant}"))
    ))
    .at(document.excerpt(span.unwrap_or(item.span.clone()), "here")))
}

async fn run(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    item: &Item,
    sql: String,
) -> Result<bool> {
    match sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        Ok(done) => Ok(done.rows_affected() > 0),
        Err(error) => {
            let document = &plan.seed.documents[item.file];
            Err(
                failure(&format!("write a {} to the graph", item.label), &error)
                    .at(document.excerpt(item.span.clone(), "here")),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_the_alias_and_quotes_the_value() {
        let sql = is("v", "id", &Json::from("it's")).unwrap();
        assert!(
            sql.contains("v.properties") && sql.contains("it''s"),
            "{sql}"
        );
    }
}
