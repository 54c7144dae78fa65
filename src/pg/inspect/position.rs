//! Sequences that are behind the data of the column they fill: the next insert would fail.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::row::{number, text};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::catalog::{Catalog, Id, Kind, Value};
use crate::failure::Result;
use crate::pg::concurrent;
use crate::pg::error::{failure, sqlstate};

/// The sequences whose positions can be held against data. Only a column that an index leads is asked, so
/// that no table is read whole.
#[derive(Default)]
pub(super) struct Positions(Vec<Position>);

struct Position {
    sequence: String,
    column: String,
    table: String,
    step: i64,
    /// Nothing where one of them is gone: nobody has a privilege on that.
    readable: Option<bool>,
}

impl Positions {
    /// Takes a row, if it is of this kind.
    ///
    /// # Errors
    /// Exit 70 for a row of another shape.
    pub fn take(&mut self, kind: &str, row: &PgRow) -> Result<bool> {
        if kind != "position" {
            return Ok(false);
        }
        let word = |column| Ok(text(row, column)?.unwrap_or_default());
        self.0.push(Position {
            sequence: format!("{}.{}", quote_ident(word(1)?), quote_ident(word(2)?)),
            column: word(3)?.to_owned(),
            table: word(4)?.to_owned(),
            step: number(row, 5)?,
            readable: text(row, 6)?.map(|text| text == "t"),
        });
        Ok(true)
    }

    /// Marks the sequences that are behind. A sequence or table that the role may not read is said.
    /// Shape: false where one was dropped meanwhile.
    ///
    /// # Errors
    /// When the positions cannot be read.
    pub async fn mark(
        mut self,
        connection: &mut PgConnection,
        catalog: &mut Catalog,
    ) -> Result<bool> {
        let id = |sequence: &str| Id::new(Kind::Sequence, "", sequence);
        let ours = |position: &Position| {
            let owner = catalog.facet(&id(&position.sequence), "owned_by");
            owner.is_some()
        };
        self.0.retain(ours);
        self.0.sort_by(|a, b| a.sequence.cmp(&b.sequence));
        if self.0.iter().any(|position| position.readable.is_none()) {
            return Ok(false);
        }
        let (open, closed): (Vec<Position>, Vec<Position>) = self
            .0
            .into_iter()
            .partition(|position| position.readable == Some(true));
        if !closed.is_empty() {
            let count = closed.len();
            catalog.unseen.push(format!(
                "positions of {count} sequences: the role may not read them or their tables"
            ));
        }
        for chunk in open.chunks(500) {
            let parts: Result<Vec<String>> = chunk.iter().map(Position::question).collect();
            let asked = sqlx::query(AssertSqlSafe(parts?.join("\nUNION ALL ")))
                .fetch_all(&mut *connection)
                .await;
            let behind = match asked {
                Err(error) if is_gone(&error) => return Ok(false),
                asked => {
                    asked.map_err(|error| failure("read the positions of the sequences", &error))?
                }
            };
            for row in behind {
                if row.get::<Option<bool>, _>("behind") == Some(true)
                    && let Some(facets) = catalog.objects.get_mut(&id(row.get("sequence")))
                {
                    facets.put("behind", Value::Flag(true));
                }
            }
        }
        Ok(true)
    }
}

/// Names are looked up among what is there now, not in the snapshot.
fn is_gone(error: &sqlx::Error) -> bool {
    concurrent::is_gone(error) || matches!(sqlstate(error), "42P01" | "42703" | "3F000")
}

impl Position {
    /// Asks whether the next number is one that the column has, or has passed.
    fn question(&self) -> Result<String> {
        let Self {
            sequence,
            column,
            table,
            step,
            ..
        } = self;
        let (extreme, past) = if *step < 0 {
            ("min", ">=")
        } else {
            ("max", "<=")
        };
        let literal = quote_literal(sequence)?;
        Ok(format!(
            "SELECT {literal}::text AS sequence, s.last_value::numeric + CASE WHEN s.is_called THEN {step} ELSE 0 END {past} \
             (SELECT pg_catalog.{extreme}({column}) FROM {table}) AS behind FROM {sequence} s"
        ))
    }
}
