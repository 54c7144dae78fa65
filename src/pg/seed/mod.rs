//! Seed rows: in foreign-key order, in one transaction, as the role the policies are written for.
//!
//! Row-level security is never switched off. A block names a tenant or a user and is written as the
//! application role inside that context, or says `as = "owner"` because no policy lets the application
//! write it; where row security is forced, the owner enters a context too. A row whose key is there
//! already is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgConnection;

use self::shape::Shape;
use self::value::{Found, Moment};
use super::error::failure;
use super::session;
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};
use crate::seed::secret::Key;
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;
use crate::spec::seed::{RowId, Seed, Value};

mod check;
mod context;
mod graph;
mod order;
mod refusal;
mod row;
pub mod scale;
mod shape;
mod value;

pub use check::{Checked, Difference, check};

/// What seeding did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Outcome {
    /// Rows that were written.
    pub written: u64,
    /// Rows whose key was there already.
    pub present: u64,
    /// The same by table, in the order they were written in.
    pub tables: Vec<Counted>,
    /// The rows that have a name.
    pub rows: Vec<NamedRow>,
    /// The keys that were made. They are in no output but the one they are shown in.
    #[serde(skip)]
    pub keys: Vec<MadeKey>,
}

/// What seeding did to one table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Counted {
    /// The table.
    pub table: String,
    /// Rows that were written.
    pub written: u64,
    /// Rows whose key was there already.
    pub present: u64,
}

/// A row that others refer to by name.
#[derive(Debug, Clone, serde::Serialize)]
pub struct NamedRow {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Its primary key, as far as it is one column that its writer sees.
    pub id: Option<serde_json::Value>,
}

/// A key that exists nowhere else.
#[derive(Debug, Clone)]
pub struct MadeKey {
    /// The table.
    pub table: String,
    /// The column that holds its hash.
    pub column: String,
    /// The file and line that ask for it.
    pub place: String,
    /// The key.
    pub key: Key,
}

/// What becomes of the rows in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// They stay.
    Kept,
    /// They are rolled back: the run only showed what another would do.
    RolledBack,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.written, self.present) {
            (0, present) => write!(f, "nothing to do ({present} rows are there)"),
            (written, 0) => write!(f, "{written} rows written"),
            (written, present) => write!(f, "{written} rows written, {present} were there"),
        }
    }
}

impl Outcome {
    fn count(&mut self, table: &str, written: bool) {
        if self.tables.last().is_none_or(|last| last.table != table) {
            let at = self.tables.iter().position(|known| known.table == table);
            let counted = match at {
                Some(at) => self.tables.remove(at),
                None => Counted {
                    table: table.to_owned(),
                    written: 0,
                    present: 0,
                },
            };
            self.tables.push(counted);
        }
        if let Some(last) = self.tables.last_mut() {
            let (all, own) = match written {
                true => (&mut self.written, &mut last.written),
                false => (&mut self.present, &mut last.present),
            };
            *all += 1;
            *own += 1;
        }
    }
}

/// What is written, and for which project.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Roles and settings.
    pub manifest: &'a Manifest,
    /// What the graph may hold.
    pub ontology: Option<&'a Ontology>,
    /// The rows, vertices and edges.
    pub seed: &'a Seed,
}

/// Writes what is missing. The lock is held by the caller.
///
/// # Errors
/// With file, line and column of the row that was refused; nothing was written then.
pub async fn run(
    connection: &mut PgConnection,
    source: Source<'_>,
    ending: Ending,
    report: Report<'_>,
) -> Result<Outcome> {
    let seed = source.seed;
    session::reset(connection).await?;
    let shape = Shape::read(connection, seed).await?;
    shape.check(seed)?;
    let plan = Plan::make(connection, source.manifest, seed, shape).await?;
    let items = graph::check(&plan, source.ontology)?;
    report(Progress::counted(
        "seeding",
        seed.row_count() as u64,
        Unit::Items,
    ));
    session::run(connection, "BEGIN", "begin a transaction").await?;
    let mut outcome = write(connection, &plan, report).await;
    if let (Ok(done), Some(ontology), [_, ..]) = (&mut outcome, source.ontology, items.as_slice())
        && let Err(failure) = graph::write(connection, &plan, ontology, &items, done).await
    {
        outcome = Err(Stop::Told(failure));
    }
    if outcome.is_ok()
        && let Err(failure) = settle(connection, ending).await
    {
        outcome = Err(Stop::Told(failure));
    }
    report(Progress::Done);
    match outcome {
        Ok(outcome) => Ok(outcome),
        Err(stop) => {
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
            let failure = match stop {
                Stop::Told(failure) => failure,
                Stop::Refused(refused) => refused.told(connection, &plan).await,
            };
            Err(failure.detail("No row was written."))
        }
    }
}

/// Ends the transaction; deferred constraints speak before.
async fn settle(connection: &mut PgConnection, ending: Ending) -> Result<()> {
    let immediate = "RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE";
    session::run(connection, immediate, "check the deferred constraints").await?;
    match ending {
        Ending::Kept => session::run(connection, "COMMIT", "commit the seed rows").await,
        Ending::RolledBack => session::run(connection, "ROLLBACK", "end the dry run").await,
    }
}

/// Why the writing ended before its time.
enum Stop {
    /// The failure is complete.
    Told(Failure),
    /// The server refused a row; where exactly is found out after the transaction.
    Refused(Box<refusal::Refused>),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Told(failure)
    }
}

/// All that is known before the first row is written.
struct Plan<'a> {
    manifest: &'a Manifest,
    seed: &'a Seed,
    shape: Shape,
    order: Vec<RowId>,
    /// The columns of named rows that others ask for.
    asked: BTreeMap<RowId, BTreeSet<String>>,
}

impl<'a> Plan<'a> {
    async fn make(
        connection: &mut PgConnection,
        manifest: &'a Manifest,
        seed: &'a Seed,
        shape: Shape,
    ) -> Result<Self> {
        let mut plan = Self {
            manifest,
            seed,
            shape,
            order: order::rows(connection, seed).await?,
            asked: BTreeMap::new(),
        };
        for table in &seed.tables {
            context::check(manifest, seed, table)?;
            let cells = table.rows.iter().flat_map(|row| &row.values);
            for cell in table.writer.context().chain(cells) {
                for reference in cell.value.references() {
                    let (id, column) = plan.target(table, cell, reference)?;
                    let literal = seed.row(id).1.cell(&column);
                    if literal.is_none_or(|cell| !cell.value.is_literal()) {
                        plan.asked.entry(id).or_default().insert(column);
                    }
                }
            }
        }
        Ok(plan)
    }
}

async fn write(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    report: Report<'_>,
) -> std::result::Result<Outcome, Stop> {
    let now = sqlx::query_scalar("SELECT pg_catalog.now()")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| failure("ask for the time", &error))?;
    let mut outcome = Outcome::default();
    let mut found = Found::default();
    let mut entered = context::Entered::default();
    for (at, id) in plan.order.iter().enumerate() {
        let (table, row) = plan.seed.row(*id);
        entered.enter(connection, plan, &found, id.table).await?;
        let moment = Moment { now, found: &found };
        let written = row::write(connection, plan, *id, &moment).await?;
        outcome.count(&table.name.to_string(), written.is_some());
        for (column, key) in written.unwrap_or_default() {
            let span = row
                .cell(&column)
                .map_or(row.span.clone(), |cell| cell.span.clone());
            let excerpt = plan.seed.excerpt(table, span, "");
            outcome.keys.push(MadeKey {
                table: table.name.to_string(),
                column,
                place: format!("{}:{}", excerpt.path, excerpt.position().0),
                key,
            });
        }
        if let Some(name) = &row.name {
            let id = row::look(connection, plan, *id, &mut found, now).await?;
            outcome.rows.push(NamedRow {
                name: name.clone(),
                table: table.name.to_string(),
                id,
            });
        }
        report(Progress::At(at as u64 + 1));
    }
    Ok(outcome)
}

/// The text of an id as a setting takes it.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a cell is NULL in the file.
fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null)
}
