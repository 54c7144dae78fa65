//! Reading a database's catalog: a handful of set-based queries in one message, in one transaction
//! that is REPEATABLE READ and READ ONLY. Nothing is written, no row of a table is read, save the
//! greatest value of a column that a sequence fills.
//!
//! The search path is empty while reading, so that every name in an expression comes out qualified,
//! whatever the database, role or session says.

mod expression;
mod fragment;
mod index;
mod part;
mod passing;
mod position;
mod row;

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::TryStreamExt as _;
use futures_util::future::join;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use self::part::Parts;
use self::position::Positions;
use super::error::failure;
use super::{Server, concurrent, session};
use crate::catalog::name::quote_literal;
use crate::catalog::{Catalog, Facets, Id, Kind};
use crate::failure::Result;
use crate::spec::manifest::Manifest;

/// A query, and whether it reads whole catalogs: those grow with the number of tables, and each joins by
/// hash.
type Query = (&'static str, bool);

/// The first of [`QUERIES`]: once they are answered, it is known which expressions have to be worded.
const PARTS: usize = 4;

/// The longest first, so that two connections end at about the same time.
const QUERIES: [Query; 14] = [
    (include_str!("column.sql"), true),
    (include_str!("index.sql"), true),
    (include_str!("policy.sql"), true),
    (include_str!("table.sql"), true),
    (include_str!("constraint.sql"), true),
    (include_str!("type.sql"), false),
    (include_str!("schema.sql"), false),
    (include_str!("database.sql"), false),
    (include_str!("function.sql"), false),
    (include_str!("unmodelled.sql"), false),
    (include_str!("trigger.sql"), false),
    (include_str!("sequence.sql"), false),
    (include_str!("position.sql"), false),
    (include_str!("replication.sql"), false),
];

const GRAPH: Query = (include_str!("graph.sql"), false);

const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// What makes the server's words the same everywhere; and what the queries were written for: they name
/// their tables in the order in which to join them, and 10,000 tables are sorted and hashed in memory.
const SETTINGS: &str = "\
SET LOCAL search_path = '';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off;
SET LOCAL jit = off;
SET LOCAL statement_timeout = 0;
SET LOCAL work_mem = '64MB';
SET LOCAL from_collapse_limit = 1;
SET LOCAL join_collapse_limit = 1";

/// Two connections that read one database in one snapshot; one where a second cannot be had: a limit of
/// connections, a pooler.
pub struct Pair {
    /// The one that is there in any case.
    pub first: PgConnection,
    second: Option<PgConnection>,
}

impl Pair {
    /// Opens both at once.
    ///
    /// # Errors
    /// Those of [`session::open`], when neither can be had.
    pub async fn open(server: &Server, application: &str) -> Result<Self> {
        let open = || session::open(server, application);
        let (first, second) = match join(open(), open()).await {
            (Ok((first, _)), second) => (first, second.ok().map(|(second, _)| second)),
            (Err(_), Ok((only, _))) => (only, None),
            (Err(failure), Err(_)) => return Err(failure),
        };
        Ok(Self { first, second })
    }

    /// Reads as [`of_project`] does, with both.
    ///
    /// # Errors
    /// As [`inspect`].
    pub async fn of_project(&mut self, manifest: &Manifest, more: &[String]) -> Result<Catalog> {
        of_project_with(&mut self.first, self.second.as_mut(), manifest, more).await
    }
}

/// What the server has, as far as the queries depend on it.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    version: i32,
    age: bool,
    age_readable: bool,
    /// What another connection needs to see the same state; only where one is to be opened.
    snapshot: Option<String>,
}

/// Reads the catalog of the connection's database. `roles` are roles that matter even where the
/// database does not mention them.
///
/// # Errors
/// By SQLSTATE when a catalog cannot be read. Nothing is changed in any case.
pub async fn inspect(connection: &mut PgConnection, roles: &[&str]) -> Result<Catalog> {
    read(connection, None, roles).await
}

/// Reads the catalog as [`inspect`] does, for a project: its roles and `more` matter, and AGE is left out
/// where the project does not ask for it and no graph is there. A server that preloads AGE wants the
/// extension in every database; it is no part of what such a project wants.
///
/// # Errors
/// As [`inspect`].
pub async fn of_project(
    connection: &mut PgConnection,
    manifest: &Manifest,
    more: &[String],
) -> Result<Catalog> {
    of_project_with(connection, None, manifest, more).await
}

async fn of_project_with(
    connection: &mut PgConnection,
    second: Option<&mut PgConnection>,
    manifest: &Manifest,
    more: &[String],
) -> Result<Catalog> {
    let mut roles = manifest.roles.names();
    roles.extend(more.iter().map(String::as_str));
    let mut catalog = read(connection, second, &roles).await?;
    if !manifest.extensions.contains_key("age") && catalog.of(Kind::Graph).next().is_none() {
        catalog.leave_out_extension("age", "ag_catalog");
    }
    Ok(catalog)
}

/// Reads in a transaction of its own.
async fn read(
    connection: &mut PgConnection,
    mut second: Option<&mut PgConnection>,
    roles: &[&str],
) -> Result<Catalog> {
    const END: &str = "end the read-only transaction";
    for _ in 0..concurrent::READS_MAX {
        let outcome = inside(connection, second.as_deref_mut(), roles).await;
        // A connection is of no further use if this fails.
        let end = session::run(connection, "ROLLBACK", END).await;
        if let Some(other) = second.as_deref_mut()
            && session::run(other, "ROLLBACK", END).await.is_err()
        {
            second = None;
        }
        let Some(mut catalog) = outcome? else {
            continue;
        };
        end?;
        passing::leave_out(connection, &mut catalog).await?;
        return Ok(catalog);
    }
    Err(concurrent::restless("the database"))
}

/// Nothing where the database changed meanwhile.
async fn inside(
    connection: &mut PgConnection,
    second: Option<&mut PgConnection>,
    roles: &[&str],
) -> Result<Option<Catalog>> {
    let facts = begin(connection, second.is_some()).await?;
    let graph = (facts.age && facts.age_readable).then_some(GRAPH);
    let mut scripts = Vec::new();
    for query in QUERIES.into_iter().chain(graph) {
        scripts.push(script(query, &facts, roles)?);
    }
    let work = Mutex::new(Work {
        left: scripts.into_iter().enumerate(),
        parts_left: PARTS,
        reading: Reading::default(),
    });
    let (first, second) = join(collect(connection, &work), async {
        let second = second?;
        let begun = begin_beside(second, facts.snapshot.as_deref()?).await;
        begun.ok()?;
        Some(collect(second, &work).await)
    })
    .await;
    if !(first? && second.transpose()?.unwrap_or(true)) {
        return Ok(None);
    }
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    if work.reading.parts.gone {
        return Ok(None);
    }
    let (mut catalog, positions) = work.reading.into_catalog();
    catalog.major = u16::try_from(facts.version / 10_000).unwrap_or(0);
    if facts.age && !facts.age_readable {
        catalog.unseen.push(
            "graphs and labels: the role may not read ag_catalog.ag_graph and ag_label".to_owned(),
        );
    }
    let settled = positions.mark(connection, &mut catalog).await?;
    Ok(settled.then_some(catalog))
}

/// What two connections share.
struct Work {
    left: std::iter::Enumerate<std::vec::IntoIter<String>>,
    /// How many of the queries for [`PARTS`] have not been answered yet.
    parts_left: usize,
    reading: Reading,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    parts: Parts,
    positions: Positions,
    objects: Vec<(Id, Facets)>,
    unmodelled: Vec<String>,
}

impl Work {
    /// What a connection does next. `done` is the place of the query that it has just had answered.
    fn next(&mut self, done: Option<usize>) -> Option<(usize, String)> {
        if done.is_some_and(|done| done < PARTS) {
            self.parts_left -= 1;
            if self.parts_left == 0
                && let Some(wording) = self.reading.parts.wording()
            {
                return Some((usize::MAX, wording));
            }
        }
        self.left.next()
    }
}

impl Reading {
    fn into_catalog(mut self) -> (Catalog, Positions) {
        self.parts.into_objects(&mut self.objects);
        self.unmodelled.sort();
        let catalog = Catalog {
            objects: self.objects.into_iter().collect(),
            unmodelled: self.unmodelled,
            ..Catalog::default()
        };
        (catalog, self.positions)
    }
}

/// Begins a transaction that sees what another connection's sees.
async fn begin_beside(second: &mut PgConnection, snapshot: &str) -> Result<()> {
    let snapshot = quote_literal(snapshot)?;
    let begin = format!("{BEGIN};\nSET TRANSACTION SNAPSHOT {snapshot};\n{SETTINGS}");
    session::run(second, &begin, "read beside another connection").await
}

/// Runs queries as long as there are any left, and takes what they give. False where one met what is gone.
async fn collect(connection: &mut PgConnection, work: &Mutex<Work>) -> Result<bool> {
    let mut done = None;
    loop {
        let Some((place, script)) = locked(work).next(done) else {
            return Ok(true);
        };
        let query = sqlx::raw_sql(AssertSqlSafe(script));
        let mut rows = query.fetch(&mut *connection);
        loop {
            match rows.try_next().await {
                Ok(Some(found)) => row::take(&mut locked(work).reading, &found)?,
                Ok(None) => break,
                Err(error) if concurrent::is_gone(&error) => return Ok(false),
                Err(error) => return Err(failure("read the catalog", &error)),
            }
        }
        done = Some(place);
    }
}

fn locked(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins the transaction and asks what the queries depend on, in one message. `share` says that another
/// connection is to see the same state.
async fn begin(connection: &mut PgConnection, share: bool) -> Result<Facts> {
    let snapshot = match share {
        true => "pg_catalog.pg_export_snapshot()",
        false => "NULL::text",
    };
    let sql = format!(
        "{BEGIN};\n{SETTINGS};
         SELECT pg_catalog.current_setting('server_version_num')::int4 AS version,
                {snapshot} AS snapshot,
                e.oid IS NOT NULL AS age,
                COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    AND pg_catalog.has_table_privilege(g.oid, 'SELECT')
                    AND pg_catalog.has_table_privilege(l.oid, 'SELECT'), false) AS age_readable
         FROM (SELECT) AS one
         LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'age'
         LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'ag_catalog'
         LEFT JOIN pg_catalog.pg_class g ON g.relnamespace = n.oid AND g.relname = 'ag_graph'
         LEFT JOIN pg_catalog.pg_class l ON l.relnamespace = n.oid AND l.relname = 'ag_label'"
    );
    let row = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(|error| failure("begin to read the catalog", &error))?;
    Ok(Facts {
        version: row.get("version"),
        age: row.get("age"),
        age_readable: row.get("age_readable"),
        snapshot: row.get("snapshot"),
    })
}

/// A query as one message. Whole catalogs are joined by hash: what the planner guesses of them is off by
/// thousands.
fn script((query, large): Query, facts: &Facts, roles: &[&str]) -> Result<String> {
    let other = if large { "off" } else { "on" };
    let sql = fragment::expand(query, facts.version, roles)?;
    Ok(format!(
        "SET LOCAL enable_nestloop = {other}; SET LOCAL enable_mergejoin = {other};\n{sql}"
    ))
}
