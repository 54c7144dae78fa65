//! From a value in a file to the JSON that the server reads the column's type from.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Plan;
use super::shape::Column;
use crate::failure::{Failure, Result};
use crate::seed::embed;
use crate::seed::secret::{self, Key};
use crate::spec::seed::{Cell, Computed, Reference, RowId, SeedTable, Value};

/// Values of named rows that were read back.
#[derive(Debug, Default)]
pub(super) struct Found(HashMap<(RowId, String), Json>);

impl Found {
    /// Keeps a value of a row.
    pub fn keep(&mut self, id: RowId, column: &str, value: Json) {
        self.0.insert((id, column.to_owned()), value);
    }
}

/// What computed values depend on.
pub(super) struct Moment<'a> {
    /// The transaction's time.
    pub now: OffsetDateTime,
    /// What is known of named rows.
    pub found: &'a Found,
}

/// One row as the server gets it.
pub(super) struct Record {
    /// The values by column.
    pub values: serde_json::Map<String, Json>,
    /// The keys that were made for it, by column.
    pub keys: BTreeMap<String, Key>,
}

impl Plan<'_> {
    /// The row and column that a reference in `cell` means.
    ///
    /// # Errors
    /// Exit 2 with the place, when the reference has to say which column.
    pub fn target(
        &self,
        table: &SeedTable,
        cell: &Cell,
        reference: &Reference,
    ) -> Result<(RowId, String)> {
        let refused = |error: String| {
            Failure::usage(error).at(self.seed.excerpt(table, cell.span.clone(), "here"))
        };
        let name = &reference.name;
        let id = self
            .seed
            .named(name)
            .ok_or_else(|| refused(format!("no row is named \"{name}\"")))?;
        let target = &self.seed.tables[id.table];
        let column = match &reference.column {
            Some(column) => column.clone(),
            None => self
                .shape
                .referred(&table.name, &cell.column, target)
                .ok_or_else(|| {
                    refused(format!(
                        "which column of \"{name}\" is meant? The key of {} has several",
                        target.name
                    ))
                    .hint(format!("Write {{ ref = \"{name}\", column = \"…\" }}"))
                })?,
        };
        match self.shape.columns(&target.name)?.contains_key(&column) {
            true => Ok((id, column)),
            false => Err(refused(format!(
                "{} has no column \"{column}\"",
                target.name
            ))),
        }
    }

    /// The value that a reference stands for. The row it names was written before.
    ///
    /// # Errors
    /// Exit 2 with the place, when the writer of the named row cannot read it back.
    pub fn resolve(
        &self,
        table: &SeedTable,
        cell: &Cell,
        reference: &Reference,
        found: &Found,
    ) -> Result<Json> {
        let (id, column) = self.target(table, cell, reference)?;
        let (target, row) = self.seed.row(id);
        if let Some(literal) = row.cell(&column).filter(|cell| cell.value.is_literal()) {
            return Ok(literal_json(&literal.value));
        }
        match found.0.get(&(id, column.clone())) {
            Some(value) => Ok(value.clone()),
            None => Err(Failure::usage(format!(
                "\"{column}\" of row \"{}\" is not known here",
                reference.name
            ))
            .detail(format!(
                "It has no fixed value in the file, and whoever writes {} cannot read it back.",
                target.name
            ))
            .at(self.seed.excerpt(table, cell.span.clone(), "here"))
            .hint(format!("Give the row \"{}\" its {column}.", reference.name))),
        }
    }

    /// The values of a row.
    ///
    /// # Errors
    /// Those of the values, with their place.
    pub fn record(&self, id: RowId, columns: &[String], moment: &Moment<'_>) -> Result<Record> {
        let (table, row) = self.seed.row(id);
        let shape = self.shape.columns(&table.name)?;
        let mut record = Record {
            values: serde_json::Map::new(),
            keys: BTreeMap::new(),
        };
        let is_key = |cell: &&Cell| matches!(cell.value, Value::Computed(Computed::ApiKey { .. }));
        for cell in row.values.iter().filter(is_key) {
            if let Value::Computed(Computed::ApiKey { prefix, bytes }) = &cell.value {
                record
                    .keys
                    .insert(cell.column.clone(), Key::make(prefix, *bytes)?);
            }
        }
        for cell in row.values.iter().filter(|c| columns.contains(&c.column)) {
            let value = match &cell.value {
                Value::Computed(computed) => {
                    let column = shape.get(&cell.column);
                    self.computed(table, cell, computed, column, &record.keys, moment)?
                }
                value => self.json(table, cell, value, moment.found)?,
            };
            record.values.insert(cell.column.clone(), value);
        }
        Ok(record)
    }

    fn computed(
        &self,
        table: &SeedTable,
        cell: &Cell,
        computed: &Computed,
        column: Option<&Column>,
        keys: &BTreeMap<String, Key>,
        moment: &Moment<'_>,
    ) -> Result<Json> {
        let at = |failure: Failure| failure.at(self.seed.excerpt(table, cell.span.clone(), "here"));
        let hash = |text: String| match column.is_some_and(|column| column.base == "bytea") {
            true => format!("\\x{text}"),
            false => text,
        };
        Ok(Json::from(match computed {
            Computed::Argon2(password) => secret::argon2(password).map_err(at)?,
            Computed::Sha256(text) => hash(secret::sha256(text)),
            Computed::ApiKey { .. } => {
                hash(keys.get(&cell.column).map_or(String::new(), Key::stored))
            }
            Computed::ApiKeyPrefix { length, of } => {
                let key = match of {
                    Some(of) => keys.get(of),
                    None => keys.values().next(),
                };
                key.map_or(String::new(), |key| key.start(*length))
            }
            Computed::Random { prefix, bytes } => secret::random(prefix, *bytes).map_err(at)?,
            Computed::Embed(text) => {
                let dimensions = self.dimensions(column).ok_or_else(|| {
                    at(
                        Failure::usage(format!("column \"{}\" says no dimensions", cell.column))
                            .hint(
                                "Declare it as vector(n), or say vectors.dimensions in edu.toml.",
                            ),
                    )
                })?;
                return Ok(numbers(&embed::unit(text, dimensions)));
            }
            Computed::Row { path, row } => {
                let array = self.seed.arrays.get(path).and_then(|array| array.row(*row));
                return Ok(numbers(array.unwrap_or_default()));
            }
            Computed::Uuid => uuid::Uuid::new_v4().to_string(),
            Computed::Now(offset) => {
                let then = moment.now + time::Duration::seconds(*offset);
                then.format(&Rfc3339).map_err(|error| {
                    at(Failure::usage("the time cannot be written").detail(error.to_string()))
                })?
            }
            Computed::Reference(reference) => {
                return self.resolve(table, cell, reference, moment.found);
            }
        }))
    }

    /// A vector column's dimensions: its own, or those of all the project's.
    fn dimensions(&self, column: Option<&Column>) -> Option<usize> {
        let own = column.and_then(|column| usize::try_from(column.modifier).ok());
        let vectors = self.manifest.vectors.as_ref();
        own.filter(|own| *own > 0)
            .or_else(|| vectors.map(|vectors| vectors.dimensions as usize))
    }

    fn json(&self, table: &SeedTable, cell: &Cell, value: &Value, found: &Found) -> Result<Json> {
        Ok(match value {
            Value::Computed(Computed::Reference(reference)) => {
                self.resolve(table, cell, reference, found)?
            }
            Value::Array(items) => Json::Array(
                items
                    .iter()
                    .map(|item| self.json(table, cell, item, found))
                    .collect::<Result<_>>()?,
            ),
            Value::Object(entries) => {
                let mut object = serde_json::Map::new();
                for (key, value) in entries {
                    object.insert(key.clone(), self.json(table, cell, value, found)?);
                }
                Json::Object(object)
            }
            literal => literal_json(literal),
        })
    }
}

/// Numbers with the digits that give the same `f32` again.
fn numbers(numbers: &[f32]) -> Json {
    Json::from(
        numbers
            .iter()
            .map(|number| number.to_string().parse::<f64>().unwrap_or_default())
            .collect::<Vec<f64>>(),
    )
}

/// The JSON of a value in which nothing is computed.
pub(super) fn literal_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Computed(_) => Json::Null,
        Value::Text(text) | Value::Time(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        // JSON has no word for NaN and infinity; the server reads them from a text.
        Value::Float(number) if !number.is_finite() => Json::from(number.to_string()),
        Value::Float(number) => Json::from(*number),
        Value::Bool(truth) => Json::from(*truth),
        Value::Bytes(bytes) => Json::from(format!("\\x{}", hex::encode(bytes))),
        Value::Array(items) => Json::Array(items.iter().map(literal_json).collect()),
        Value::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), literal_json(value)))
                .collect(),
        ),
    }
}
