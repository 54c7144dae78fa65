//! Vector indexes: what is declared is there, valid, and as declared.
//!
//! An index is never taken for granted because its name exists: validity, table, method, operator
//! class and parameters are read from the catalog. What differs is told, not touched.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::error::failure;
use super::{concurrent, session};
use crate::catalog::name::{Name, quote_ident};
use crate::failure::Result;
use crate::progress::{Progress, Report, human_time};
use crate::spec::vectors::{Lists, Method, Target, VectorIndex};

/// What was found or done about one declared index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there, valid and as declared.
    Good,
    /// It was missing and is built now.
    Built {
        /// How long that took. Units: milliseconds.
        took_ms: u64,
    },
    /// It is missing; seen in a dry run.
    Missing,
    /// An invalid leftover is there; seen in a dry run.
    Invalid,
    /// It is there and is not what is declared: each difference is one sentence.
    Different(Vec<String>),
}

/// One declared index and its state.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The index.
    pub name: Name,
    /// What was found or done.
    pub state: State,
}

/// All outcomes in a few words.
pub fn summary(outcomes: &[Outcome]) -> String {
    let built = outcomes
        .iter()
        .filter(|o| matches!(o.state, State::Built { .. }))
        .count();
    let different: Vec<String> = outcomes
        .iter()
        .filter(|o| matches!(o.state, State::Different(_)))
        .map(|o| format!("{} is not as declared ({})", o.name, o.state))
        .collect();
    match (built, different.as_slice()) {
        (0, []) => format!("nothing to do ({} valid)", outcomes.len()),
        (built, []) => format!("{built} built, {} valid", outcomes.len() - built),
        (built, different) => format!("{built} built; {}", different.join(", ")),
    }
}

/// What stands in the catalog under a declared index's name.
struct Found {
    valid: bool,
    table: Name,
    method: String,
    opclass: String,
    options: Vec<String>,
    key: String,
    predicate: Option<String>,
}

/// Builds what is missing, one index after the other. The lock is held by the caller.
///
/// # Errors
/// The failure of the first build that failed; its invalid rest is removed, the others stay.
pub async fn ensure(
    connection: &mut PgConnection,
    owner: Option<&str>,
    indexes: &[VectorIndex],
    report: Report<'_>,
) -> Result<Vec<Outcome>> {
    session::reset(connection).await?;
    session::become_role(connection, owner).await?;
    let mut outcomes = Vec::new();
    for index in indexes {
        let found = found(connection, &index.name).await?;
        let state = match found {
            Some(found) if found.valid => compare(index, &found),
            Some(_) => {
                report(Progress::Note(format!(
                    "removing the invalid index {}",
                    index.name
                )));
                concurrent::drop_leftover(connection, &index.name).await?;
                build(connection, index, report).await?
            }
            None => build(connection, index, report).await?,
        };
        outcomes.push(Outcome {
            name: index.name.clone(),
            state,
        });
    }
    Ok(outcomes)
}

/// Looks, and changes nothing.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn look(connection: &mut PgConnection, indexes: &[VectorIndex]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for index in indexes {
        let state = match found(connection, &index.name).await? {
            None => State::Missing,
            Some(found) if !found.valid => State::Invalid,
            Some(found) => compare(index, &found),
        };
        outcomes.push(Outcome {
            name: index.name.clone(),
            state,
        });
    }
    Ok(outcomes)
}

/// A table in use is built on without blocking its writers; an empty one plainly, which is quicker.
async fn build(
    connection: &mut PgConnection,
    index: &VectorIndex,
    report: Report<'_>,
) -> Result<State> {
    let doing = format!("build index {}", index.name);
    let begun = Instant::now();
    report(Progress::stage(format!("building {}", index.name)));
    let rows: Option<bool> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM {})",
        index.table
    )))
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| failure(&doing, &error))?;
    let lists = match index.method {
        Method::Ivfflat { lists, .. } => Some(list_count(connection, index, lists).await?),
        Method::Hnsw { .. } => None,
    };
    let sql = render(index, lists, rows.unwrap_or(true));
    let outcome = session::run(connection, &sql, &doing).await;
    report(Progress::Done);
    concurrent::conclude(connection, &index.name, outcome).await?;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(State::Built { took_ms })
}

/// How many lists an ivfflat index gets. Source: pgvector's README: rows / 1000 up to a million rows,
/// the square root beyond.
async fn list_count(
    connection: &mut PgConnection,
    index: &VectorIndex,
    lists: Lists,
) -> Result<u32> {
    if let Lists::Count(count) = lists {
        return Ok(count);
    }
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM {}",
        index.table
    )))
    .fetch_one(connection)
    .await
    .map_err(|error| failure(&format!("count the rows of {}", index.table), &error))?;
    let lists = if rows <= 1_000_000 {
        rows / 1_000
    } else {
        rows.isqrt()
    };
    Ok(u32::try_from(lists.clamp(1, 32_768)).unwrap_or(1))
}

fn render(index: &VectorIndex, lists: Option<u32>, in_use: bool) -> String {
    let target = match &index.target {
        Target::Column(column) => quote_ident(column),
        Target::Expression(expression) => format!("({expression})"),
    };
    let options = match index.method {
        Method::Hnsw {
            m, ef_construction, ..
        } => format!("m = {m}, ef_construction = {ef_construction}"),
        Method::Ivfflat { .. } => format!("lists = {}", lists.unwrap_or(100)),
    };
    let predicate = index
        .predicate
        .as_ref()
        .map_or(String::new(), |p| format!(" WHERE {p}"));
    format!(
        "CREATE INDEX {}{} ON {} USING {} ({target} {}) WITH ({options}){predicate}",
        if in_use { "CONCURRENTLY " } else { "" },
        quote_ident(&index.name.name),
        index.table,
        index.method.as_str(),
        quote_ident(&index.opclass),
    )
}

async fn found(connection: &mut PgConnection, name: &Name) -> Result<Option<Found>> {
    let row = sqlx::query(
        "SELECT i.indisvalid AND i.indisready AND i.indislive AS valid, tn.nspname::text AS table_schema,
                t.relname::text AS table_name, am.amname::text AS method, oc.opcname::text AS opclass,
                COALESCE(c.reloptions, '{}')::text[] AS options,
                pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) AS key,
                pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) AS predicate
         FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         JOIN pg_catalog.pg_am am ON am.oid = c.relam
         JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
         JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
         JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[0]
         WHERE i.indexrelid = pg_catalog.to_regclass($1)",
    )
    .bind(name.to_string())
    .fetch_optional(connection)
    .await
    .map_err(|error| failure(&format!("look at index {name}"), &error))?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        valid: row.get("valid"),
        table: Name::new(
            row.get::<String, _>("table_schema"),
            row.get::<String, _>("table_name"),
        )?,
        method: row.get("method"),
        opclass: row.get("opclass"),
        options: row.get("options"),
        key: row.get("key"),
        predicate: row.get("predicate"),
    }))
}

fn compare(wanted: &VectorIndex, found: &Found) -> State {
    let mut differences = Vec::new();
    let mut check = |what: &str, wanted: String, found: String| {
        if wanted != found {
            differences.push(format!("{what} is {found}, declared is {wanted}"));
        }
    };
    check("table", wanted.table.to_string(), found.table.to_string());
    check(
        "method",
        wanted.method.as_str().to_owned(),
        found.method.clone(),
    );
    check(
        "operator class",
        wanted.opclass.clone(),
        found.opclass.clone(),
    );
    if let Target::Column(column) = &wanted.target {
        check("column", quote_ident(column), found.key.clone());
    }
    if wanted.predicate.is_some() != found.predicate.is_some() {
        let word = |there: bool| if there { "there" } else { "absent" }.to_owned();
        check(
            "predicate",
            word(wanted.predicate.is_some()),
            word(found.predicate.is_some()),
        );
    }
    for (option, value, default) in declared_options(wanted) {
        let found = found
            .options
            .iter()
            .find_map(|text| text.strip_prefix(option)?.strip_prefix('='))
            .map_or_else(|| default.to_string(), str::to_owned);
        check(option, value.to_string(), found);
    }
    if differences.is_empty() {
        State::Good
    } else {
        State::Different(differences)
    }
}

/// The parameters that are declared, each with pgvector's default.
fn declared_options(index: &VectorIndex) -> Vec<(&'static str, u32, u32)> {
    match index.method {
        Method::Hnsw {
            m, ef_construction, ..
        } => {
            vec![("m", m, 16), ("ef_construction", ef_construction, 64)]
        }
        Method::Ivfflat {
            lists: Lists::Count(lists),
            ..
        } => vec![("lists", lists, 100)],
        Method::Ivfflat {
            lists: Lists::Auto, ..
        } => Vec::new(),
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => f.write_str("valid, as declared"),
            Self::Built { took_ms } => {
                write!(
                    f,
                    "built in {}",
                    human_time(std::time::Duration::from_millis(*took_ms))
                )
            }
            Self::Missing => f.write_str("missing"),
            Self::Invalid => f.write_str("invalid"),
            Self::Different(differences) => f.write_str(&differences.join("; ")),
        }
    }
}
