//! What one row holds.

use std::collections::HashMap;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::catalog::Column;
use super::draw::{self, Draw, between, normal, uuid};
use super::fill::{Counted, Finding};
use super::text::{self, Language, TOPIC_COUNT};
use super::value::{Flavour, Generator, Value};
use super::{CHUNK_ROWS, Filled, Plan};
use crate::failure::{Failure, Result};
use crate::seed::embed;

/// Numbers of identities start behind this, out of the way of rows that are there.
pub(super) const NUMBERS_FROM: i64 = 1_000_000_000;

/// 2025-01-01 in seconds since 2000-01-01. Times lie in the year behind it.
const YEAR_FROM: i64 = 9_132 * 86_400;

/// How much of a row is to be had at most before it is sent. Units: bytes.
const PART_BYTES: usize = 256 * 1024;

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    index: u64,
    tenant: usize,
    /// The number among the tenant's rows.
    local: u64,
}

/// The sum of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Of UUIDs, bit by bit, without carrying.
    Uuid(u128),
    /// Of whole numbers.
    Integer(i128),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uuid(bits) => write!(f, "{bits:0128b}"),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

/// Makes rows of one table after another. Keeps the topics' vectors.
#[derive(Debug, Default)]
pub struct Writer {
    centres: HashMap<(u64, usize), Vec<i64>>,
    out: BytesMut,
}

impl Writer {
    /// A writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends rows from `rows.start` on until a good part is made; moves the start behind them. Shape: the rows
    /// in the binary form of COPY, without heading and end.
    ///
    /// # Errors
    /// Exit 2 when a value does not fit its column.
    pub fn part(&mut self, plan: &Plan, table: usize, rows: &mut Range<u64>) -> Result<Bytes> {
        let filled = &plan.tables[table];
        self.out.reserve(PART_BYTES + PART_BYTES / 8);
        let count = i16::try_from(filled.written.len())
            .map_err(|_| Failure::bug("a table has too many columns"))?;
        while rows.start < rows.end && self.out.len() < PART_BYTES {
            let place = filled.place(rows.start);
            self.out.extend_from_slice(&count.to_be_bytes());
            for (at, encoder) in filled.written.iter().zip(&filled.encoders) {
                let value = plan.value(table, *at, place, &mut self.centres);
                encoder.field(&value, &mut self.out).map_err(|error| {
                    let column = &filled.table.columns[*at];
                    Failure::usage(format!(
                        "column \"{}\" of {} cannot be filled: {error}",
                        column.name, filled.table.name
                    ))
                    .hint("Say what it is to hold in seeds/scale.toml.")
                })?;
            }
            rows.start += 1;
        }
        Ok(self.out.split().freeze())
    }
}

impl Filled {
    fn place(&self, index: u64) -> Place {
        let tenant = self
            .starts
            .partition_point(|start| *start <= index)
            .saturating_sub(1);
        // Tenants without rows start where the next one does.
        let tenant = tenant.min(self.starts.len().saturating_sub(2));
        Place {
            index,
            tenant,
            local: index - self.starts.get(tenant).copied().unwrap_or(0),
        }
    }

    fn topic(&self, place: Place) -> u64 {
        Draw::at(self.topic, place.index).skewed(TOPIC_COUNT)
    }
}

impl Plan {
    /// Columns that tell the row from all others, and what they hold, as SQL reads it.
    pub fn identity(&self, table: usize, row: u64) -> Option<Vec<(&str, String)>> {
        let filled = self.tables.get(table)?;
        let part = |name: &String| -> Option<(&str, String)> {
            let at = filled.table.column(name)?;
            if !filled.written.contains(&at) {
                return None;
            }
            let value = self.value(table, at, filled.place(row), &mut HashMap::new());
            let text = match value {
                Value::Uuid(bytes) => uuid::Uuid::from_bytes(bytes).to_string(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                _ => return None,
            };
            Some((&filled.table.columns[at].name, text))
        };
        let mut keys = filled.table.keys.iter();
        keys.find_map(|key| key.iter().map(part).collect())
    }

    /// How many tenants there are: rows of the root.
    pub fn tenants(&self) -> usize {
        self.root.map_or(0, |_| self.size.tenants)
    }

    /// A tenant's id, as SQL reads it.
    pub fn tenant(&self, tenant: usize) -> Option<String> {
        let key = self.identity(self.root?, tenant as u64)?;
        match key.as_slice() {
            [(_, id)] => Some(id.clone()),
            _ => None,
        }
    }

    /// How many rows of a table a tenant has, and the sum of their keys where there is one of a single number or
    /// UUID.
    pub fn sum(&self, table: usize, tenant: usize) -> (u64, Option<(&str, Key)>) {
        let filled = &self.tables[table];
        let rows = filled.rows_of(tenant);
        let summed = filled.table.keys.iter().find_map(|key| {
            let [name] = key.as_slice() else { return None };
            let at = filled
                .table
                .column(name)
                .filter(|at| filled.written.contains(at))?;
            let mut sum = match filled.table.columns[at].base.as_str() {
                "uuid" => Key::Uuid(0),
                "int2" | "int4" | "int8" => Key::Integer(0),
                _ => return None,
            };
            for local in 0..rows {
                match (&mut sum, self.held((table, at), tenant, local)) {
                    (Key::Uuid(sum), Value::Uuid(bytes)) => *sum ^= u128::from_be_bytes(bytes),
                    (Key::Integer(sum), Value::Integer(number)) => *sum += i128::from(number),
                    _ => return None,
                }
            }
            Some((name.as_str(), sum))
        });
        (rows, summed)
    }

    fn language(&self, filled: &Filled, place: Place) -> Language {
        self.any_language(&mut Draw::at(filled.topic ^ 1, place.index))
    }

    fn value(
        &self,
        table: usize,
        column: usize,
        place: Place,
        centres: &mut HashMap<(u64, usize), Vec<i64>>,
    ) -> Value {
        let filled = &self.tables[table];
        let shape = &filled.table.columns[column];
        let mut draw = Draw::at(filled.keys[column], place.index);
        let generator = &filled.fill.generators[column];
        if let Generator::Reference { key, part } = generator {
            return self.referred(table, (*key, *part), place, centres);
        }
        // What is gone is rare among what is there.
        let gone = shape.name.contains("deleted") || shape.name.contains("archived");
        let free = !filled.fill.unique[column] && *generator != Generator::Identity;
        if !shape.required && free && draw.once_in(8) != gone {
            return Value::Null;
        }
        let counted = filled.fill.counted.iter();
        let counted = counted
            .clone()
            .position(|digit| matches!(digit, Counted::Values(at, _) if *at == column));
        if let Some(at) = counted {
            let digit = self.digit(filled, place, at);
            return match generator {
                Generator::OneOf(texts) => usize::try_from(digit)
                    .ok()
                    .and_then(|digit| texts.get(digit))
                    .map_or(Value::Null, |text| Value::Text(text.clone())),
                _ => Value::Bool(digit == 1),
            };
        }
        self.made(filled, column, generator, place, &mut draw, centres)
    }

    fn made(
        &self,
        filled: &Filled,
        column: usize,
        generator: &Generator,
        place: Place,
        draw: &mut Draw,
        centres: &mut HashMap<(u64, usize), Vec<i64>>,
    ) -> Value {
        let shape = &filled.table.columns[column];
        match generator {
            Generator::Absent | Generator::Reference { .. } => Value::Null,
            Generator::Vertex(label) => self.vertex(*label, shape, place),
            Generator::Identity if shape.base == "uuid" => Value::Uuid(uuid(draw)),
            Generator::Identity => {
                let number = i64::try_from(place.index).unwrap_or(0) + 1;
                Value::Integer(match shape.base.as_str() {
                    "int2" => number,
                    _ => NUMBERS_FROM + number,
                })
            }
            Generator::Chain => Value::Integer(self.link(filled, place)),
            Generator::Bool => Value::Bool(draw.once_in(2)),
            Generator::Integer(low, high) => Value::Integer(between(draw, *low, *high)),
            Generator::Number(low, high) => Value::Thousandths(between(draw, *low, *high)),
            Generator::OneOf(texts) => draw
                .of(texts)
                .map_or(Value::Null, |text| Value::Text(text.clone())),
            Generator::Text(flavour) => {
                let unique = filled.fill.unique[column].then_some(place.index);
                Value::Text(self.text(filled, column, *flavour, place, draw, unique))
            }
            Generator::Json(Some(text)) => Value::Json(text.clone()),
            Generator::Json(None) => {
                let topic = filled.topic(place);
                let word = text::words(draw, topic, Language::English, 1);
                Value::Json(format!(
                    "{{\"language\": \"{}\", \"level\": {}, \"topic\": \"{word}\"}}",
                    self.language(filled, place).code(),
                    draw.below(5)
                ))
            }
            Generator::Time if filled.fill.unique[column] => {
                Value::Seconds(YEAR_FROM + i64::try_from(place.index).unwrap_or(0))
            }
            Generator::Time => Value::Seconds(YEAR_FROM + between(draw, 0, 365 * 86_400 - 1)),
            Generator::Bytes => Value::Bytes(update(draw, self.link(filled, place))),
            Generator::Array(inner) => {
                let count = draw.below(4);
                Value::Array(
                    (0..count)
                        .map(|_| self.made(filled, column, inner, place, draw, centres))
                        .collect(),
                )
            }
            Generator::Vector(dims) => {
                let topic = filled.topic(place);
                let centre = centres.entry((topic, *dims)).or_insert_with(|| {
                    let mut own = Draw::at(draw::key(self.size.seed, &["topic"]), topic);
                    (0..*dims).map(|_| normal(&mut own)).collect()
                });
                let near: Vec<i64> = centre.iter().map(|c| 2 * c + normal(draw)).collect();
                Value::Vector(embed::normal(&near))
            }
        }
    }

    /// The id of a vertex; each has a row of its own while there are enough.
    fn vertex(&self, label: usize, shape: &Column, place: Place) -> Value {
        let graph = self.graph.as_ref();
        let value = graph.map(|graph| graph.named(self, label, place.tenant, place.local));
        match value {
            Some(Value::Uuid(bytes)) if shape.base != "uuid" => {
                Value::Text(uuid::Uuid::from_bytes(bytes).to_string())
            }
            value => value.unwrap_or(Value::Null),
        }
    }

    /// What a column holds in a tenant's row.
    pub(super) fn held(&self, (table, column): (usize, usize), tenant: usize, local: u64) -> Value {
        let filled = &self.tables[table];
        let index = filled.starts.get(tenant).map_or(0, |start| start + local);
        self.value(table, column, filled.place(index), &mut HashMap::new())
    }

    /// One of the languages.
    pub(super) fn any_language(&self, draw: &mut Draw) -> Language {
        draw.of(&self.languages)
            .copied()
            .unwrap_or(Language::English)
    }

    /// The value of a foreign key's column: what the row it finds holds.
    fn referred(
        &self,
        table: usize,
        (key, part): (usize, usize),
        place: Place,
        centres: &mut HashMap<(u64, usize), Vec<i64>>,
    ) -> Value {
        let filled = &self.tables[table];
        let foreign = &filled.table.foreign[key];
        let found = filled.to[key].zip(self.find(filled, key, place));
        let Some((to, index)) = found else {
            return Value::Null;
        };
        let parent = &self.tables[to];
        let column = foreign
            .to_columns
            .get(part)
            .and_then(|name| parent.table.column(name));
        match column {
            Some(column) => self.value(to, column, parent.place(index), centres),
            None => Value::Null,
        }
    }

    /// The number of the row that a foreign key refers to.
    fn find(&self, filled: &Filled, key: usize, place: Place) -> Option<u64> {
        let parent = self.tables.get(filled.to[key]?)?;
        let start = parent.starts.get(place.tenant).copied()?;
        let count = parent.rows_of(place.tenant);
        let needed = filled.table.foreign[key].columns.iter().any(|name| {
            let at = filled.table.column(name);
            at.is_some_and(|at| filled.table.columns[at].required && !matches!(filled.fill.generators[at], Generator::Reference { key: other, .. } if other != key))
        });
        let mut draw = Draw::at(filled.topic ^ (key as u64 + 2), place.index);
        match filled.fill.findings[key] {
            Finding::Absent => None,
            Finding::Tenant => Some(place.tenant as u64),
            Finding::Own => {
                let first = start.max(place.index / CHUNK_ROWS * CHUNK_ROWS);
                match (place.index > first, needed) {
                    (true, _) if needed || draw.once_in(2) => {
                        Some(first + draw.skewed(place.index - first))
                    }
                    (_, true) => Some(place.index),
                    _ => None,
                }
            }
            _ if count == 0 => None,
            Finding::Even => Some(start + self.even(filled, place, count).0),
            Finding::Counted => {
                let at = filled
                    .fill
                    .counted
                    .iter()
                    .position(|digit| *digit == Counted::Key(key))?;
                Some(start + self.digit(filled, place, at))
            }
            Finding::Skewed if !needed && draw.once_in(8) => None,
            Finding::Skewed => Some(start + draw.skewed(count)),
        }
    }

    /// The parent among the tenant's `count`, and the first of the tenant's rows that has the same.
    fn even(&self, filled: &Filled, place: Place, count: u64) -> (u64, u64) {
        let rows = u128::from(filled.rows_of(place.tenant).max(1));
        let count = u128::from(count);
        let parent = u128::from(place.local) * count / rows;
        let first = (parent * rows).div_ceil(count);
        (
            u64::try_from(parent).unwrap_or(0),
            u64::try_from(first).unwrap_or(0),
        )
    }

    /// The row's place in its parent's chain, from 0.
    fn link(&self, filled: &Filled, place: Place) -> i64 {
        let parent = filled.fill.chain.and_then(|key| filled.to[key]);
        let count = parent
            .and_then(|to| self.tables.get(to))
            .map_or(0, |parent| parent.rows_of(place.tenant));
        match count {
            0 => 0,
            count => i64::try_from(place.local - self.even(filled, place, count).1).unwrap_or(0),
        }
    }

    /// One digit of the row's number among the combinations of a unique key.
    fn digit(&self, filled: &Filled, place: Place, at: usize) -> u64 {
        let size = |digit: &Counted| match digit {
            Counted::Key(key) => filled.to[*key]
                .and_then(|to| self.tables.get(to))
                .map_or(1, |to| to.rows_of(place.tenant))
                .max(1),
            Counted::Values(_, count) => (*count).max(1),
        };
        let below: u64 = filled.fill.counted[..at]
            .iter()
            .map(size)
            .fold(1, u64::saturating_mul);
        place.local / below % size(&filled.fill.counted[at])
    }

    fn text(
        &self,
        filled: &Filled,
        column: usize,
        flavour: Flavour,
        place: Place,
        draw: &mut Draw,
        unique: Option<u64>,
    ) -> String {
        let (topic, language) = (filled.topic(place), self.language(filled, place));
        let mut text = match flavour {
            Flavour::Email => format!(
                "{}@t{}.example",
                text::words(draw, topic, Language::English, 1),
                place.tenant
            ),
            Flavour::Slug => text::words(draw, topic, Language::English, 2).replace(' ', "-"),
            Flavour::Url => format!(
                "https://t{}.example/{}",
                place.tenant,
                text::words(draw, topic, Language::English, 2).replace(' ', "/")
            ),
            Flavour::Person => text::person(draw, language),
            Flavour::Title => text::title(draw, topic, language),
            Flavour::Sentences => text::sentences(draw, topic, language),
            Flavour::Language => language.code().to_owned(),
            Flavour::Hex => hex::encode(
                [
                    draw.next().to_be_bytes(),
                    draw.next().to_be_bytes(),
                    draw.next().to_be_bytes(),
                    draw.next().to_be_bytes(),
                ]
                .concat(),
            ),
            Flavour::Uuid => uuid::Uuid::from_bytes(uuid(draw)).to_string(),
            Flavour::Word => text::words(draw, topic, Language::English, 1),
        };
        // varchar(n): the modifier is n + 4.
        let most = filled.table.columns[column].modifier;
        let most = usize::try_from(most - 4)
            .ok()
            .filter(|_| most > 4)
            .unwrap_or(usize::MAX);
        let suffix = match (unique, flavour) {
            (None, _) | (_, Flavour::Uuid) => String::new(),
            (Some(index), Flavour::Email) => {
                text = text.replacen('@', &format!("{index}@"), 1);
                String::new()
            }
            (Some(index), Flavour::Hex) => format!("{index:016x}"),
            (Some(index), Flavour::Slug | Flavour::Word) => format!("-{index}"),
            (Some(index), _) => format!(" {index}"),
        };
        let kept = most.saturating_sub(suffix.len());
        if text.chars().count() > kept {
            text = text.chars().take(kept).collect();
        }
        text + &suffix
    }
}

/// Bytes like those of an incremental update: its place in the chain, its length, its content.
fn update(draw: &mut Draw, link: i64) -> Vec<u8> {
    let length = 8 + draw.below(48);
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(&link.to_be_bytes());
    bytes.push(u8::try_from(length).unwrap_or(u8::MAX));
    while (bytes.len() as u64) < length + 11 {
        bytes.extend_from_slice(&draw.next().to_be_bytes());
    }
    bytes
}
