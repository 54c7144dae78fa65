//! From the texts of a profile's files to their rows, with every check that needs the texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::graph::{self, EdgeBlock, VertexBlock};
use super::value::{self, Value};
use super::{Cell, Row, Seed, SeedTable, Writer, WriterRole};
use crate::catalog::name::{NAME_BYTES_MAX, Name};
use crate::failure::{Failure, Result};
use crate::spec::document::{Document, nearest};
use crate::spec::entries::Entries;

/// The key under which a row has its name.
const NAME_KEY: &str = "$name";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    table: Vec<Spanned<Block>>,
    #[serde(default)]
    vertex: Vec<VertexBlock>,
    #[serde(default)]
    edge: Vec<EdgeBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    name: Spanned<Name>,
    #[serde(rename = "as")]
    writer: Option<Spanned<String>>,
    tenant: Option<Spanned<toml::Value>>,
    user: Option<Spanned<toml::Value>>,
    key: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    row: Vec<Spanned<Entries<toml::Value>>>,
}

pub(super) fn seed(documents: &[Document]) -> Result<Seed> {
    let mut seed = Seed {
        documents: documents.to_vec(),
        tables: Vec::new(),
        items: Vec::new(),
        arrays: BTreeMap::new(),
    };
    let mut graph = graph::Reader::new(documents);
    for (file, document) in documents.iter().enumerate() {
        let parsed: File = document.parse()?;
        for block in parsed.table {
            seed.tables.push(table(document, file, block.into_inner())?);
        }
        graph.take(file, parsed.vertex, parsed.edge)?;
    }
    seed.items = graph.finish()?;
    refuse_repeated_names(&seed)?;
    refuse_repeated_rows(&seed)?;
    refuse_lost_references(&seed)?;
    Ok(seed)
}

fn table(document: &Document, file: usize, block: Block) -> Result<SeedTable> {
    let span = block.name.span();
    let name = block.name.get_ref().clone();
    let writer = writer(document, &block)?;
    let key = match block.key {
        None => vec!["id".to_owned()],
        Some(key) => {
            let columns = key.get_ref();
            if columns.is_empty()
                || columns
                    .iter()
                    .enumerate()
                    .any(|(at, c)| columns[..at].contains(c))
            {
                return Err(document.failure(
                    key.span(),
                    format!("the key of {name} names no column, or one twice"),
                ));
            }
            key.into_inner()
        }
    };
    if block.row.is_empty() {
        return Err(document
            .failure(span, format!("table {name} has no row"))
            .hint("Write [[table.row]] below it, or take the block away."));
    }
    let rows: Vec<Row> = block
        .row
        .into_iter()
        .map(|entries| row(document, entries))
        .collect::<Result<_>>()?;
    for row in &rows {
        key_of_row(document, &name, &key, row)?;
        keys_shown(document, row)?;
    }
    Ok(SeedTable {
        name,
        writer,
        key,
        rows,
        file,
        span,
    })
}

/// Refuses a row that could not be found again by its key.
fn key_of_row(document: &Document, name: &Name, key: &[String], row: &Row) -> Result<()> {
    for column in key {
        let Some(cell) = row.cell(column) else {
            return Err(document
                .failure(
                    row.span.clone(),
                    format!("a row of {name} has no \"{column}\""),
                )
                .detail("The key columns tell whether a row is there already.")
                .hint(format!(
                    "Give the row its \"{column}\", or the table another key: key = [\"…\"]"
                )));
        };
        if !cell.value.is_lasting() {
            return Err(document
                .failure(
                    cell.span.clone(),
                    format!(
                        "key column \"{column}\" of {name} would have another value at every run"
                    ),
                )
                .detail("The key columns tell whether a row is there already.")
                .hint("Give it a fixed value, or the table another key: key = [\"…\"]"));
        }
    }
    Ok(())
}

/// Refuses an API key's prefix that belongs to no key, or shows too much of it.
fn keys_shown(document: &Document, row: &Row) -> Result<()> {
    use value::Computed::{ApiKey, ApiKeyPrefix};
    for cell in &row.values {
        let Value::Computed(ApiKeyPrefix { length, of }) = &cell.value else {
            continue;
        };
        let keys = row.values.iter().filter_map(|other| match &other.value {
            Value::Computed(ApiKey { prefix, bytes })
                if of.as_ref().is_none_or(|of| *of == other.column) =>
            {
                Some((prefix, usize::from(*bytes)))
            }
            _ => None,
        });
        let keys: Vec<_> = keys.collect();
        let error = match keys.as_slice() {
            [] => "stands for the start of an API key, and the row has none".to_owned(),
            [(prefix, bytes)] => {
                let shown = usize::from(*length).saturating_sub(prefix.chars().count());
                if 2 * bytes >= shown + 32 {
                    continue;
                }
                format!(
                    "shows {shown} of the {} random digits: 32 have to stay secret",
                    2 * bytes
                )
            }
            _ => "could be of several API keys: say of = \"column\" beside it".to_owned(),
        };
        let error = format!("column \"{}\" {error}", cell.column);
        return Err(document.failure(cell.span.clone(), error));
    }
    Ok(())
}

fn writer(document: &Document, block: &Block) -> Result<Writer> {
    let name = block.name.get_ref();
    let role = match &block.writer {
        None if block.tenant.is_none() && block.user.is_none() => {
            return Err(document
                .failure(
                    block.name.span(),
                    format!("table {name} has neither `as` nor `tenant`"),
                )
                .detail(
                    "Rows are written as the application role in the context of a tenant or a user, \
                     or as the owner.",
                )
                .hint("Write: tenant = \"<id>\", or user = \"<id>\", or: as = \"owner\""));
        }
        None => WriterRole::Application,
        Some(word) => match word.get_ref().as_str() {
            "owner" => WriterRole::Owner,
            "application" => WriterRole::Application,
            other => {
                return Err(document.failure(
                    word.span(),
                    format!("`as` knows \"owner\" and \"application\", not \"{other}\""),
                ));
            }
        },
    };
    Ok(Writer {
        role,
        tenant: context(document, "tenant", block.tenant.as_ref())?,
        user: context(document, "user", block.user.as_ref())?,
    })
}

/// Reads whose context it is.
pub(super) fn context(
    document: &Document,
    column: &str,
    given: Option<&Spanned<toml::Value>>,
) -> Result<Option<Cell>> {
    let Some(given) = given else { return Ok(None) };
    let span = given.span();
    let read = value::cell(given.get_ref().clone());
    let value = match read
        .map_err(|error| document.failure(span.clone(), format!("`{column}` {error}")))?
    {
        Value::Integer(number) => Value::Text(number.to_string()),
        value => value,
    };
    let fits = match &value {
        Value::Text(text) => !text.is_empty(),
        Value::Computed(computed) => matches!(computed, value::Computed::Reference(_)),
        _ => false,
    };
    if !fits {
        return Err(document.failure(
            span,
            format!("the {column} is no id: write a text, or {{ ref = \"row\" }}"),
        ));
    }
    Ok(Some(Cell {
        column: column.to_owned(),
        value,
        span,
    }))
}

fn row(document: &Document, entries: Spanned<Entries<toml::Value>>) -> Result<Row> {
    let span = entries.span();
    let mut row = Row {
        name: None,
        values: Vec::new(),
        span,
    };
    for (column, value) in entries.into_inner().0 {
        let at = value.span();
        let name = column.get_ref();
        if name == NAME_KEY {
            row.name = match value.into_inner() {
                toml::Value::String(name) if !name.is_empty() => Some(name),
                _ => return Err(document.failure(at, "a row's \"$name\" has to be a text")),
            };
            continue;
        }
        if name.is_empty() || name.contains('\0') || name.len() > NAME_BYTES_MAX {
            return Err(document.failure(
                column.span(),
                "a column's name is empty, too long or has a NUL byte",
            ));
        }
        let read = value::cell(value.into_inner()).map_err(|error| {
            let error = format!("column \"{}\" {error}", column.get_ref());
            document.failure(at.clone(), error)
        })?;
        row.values.push(Cell {
            column: column.into_inner(),
            value: read,
            span: at,
        });
    }
    Ok(row)
}

fn refuse_repeated_names(seed: &Seed) -> Result<()> {
    let mut seen: BTreeMap<&str, (&SeedTable, &Row)> = BTreeMap::new();
    for id in seed.ids() {
        let (table, row) = seed.row(id);
        let Some(name) = &row.name else { continue };
        if let Some((first_table, first)) = seen.insert(name, (table, row)) {
            let first = seed.excerpt(first_table, first.span.clone(), "");
            return Err(Failure::usage(format!("two rows are named \"{name}\""))
                .detail(format!(
                    "The first is in \"{}\", line {}.",
                    first.path,
                    first.position().0
                ))
                .at(seed.excerpt(table, row.span.clone(), "and here again")));
        }
    }
    Ok(())
}

/// Two rows with one key would overwrite each other, and the file's order would decide.
fn refuse_repeated_rows(seed: &Seed) -> Result<()> {
    type Key<'a> = (&'a Name, Vec<(&'a str, String)>);
    let mut seen: BTreeMap<Key<'_>, (&SeedTable, &Row)> = BTreeMap::new();
    for table in &seed.tables {
        for row in &table.rows {
            let key = table.key.iter().filter_map(|column| {
                let cell = row.cell(column)?;
                // Equal hashes of different texts would be reported by the server.
                Some((
                    column.as_str(),
                    match &cell.value {
                        Value::Computed(value::Computed::Sha256(_)) => format!("{:?}", cell.span),
                        value => format!("{value:?}"),
                    },
                ))
            });
            let Some((first_table, first)) =
                seen.insert((&table.name, key.collect()), (table, row))
            else {
                continue;
            };
            let first = seed.excerpt(first_table, first.span.clone(), "");
            return Err(Failure::usage(format!(
                "two rows of {} have the same {}",
                table.name,
                table.key.join(", ")
            ))
            .detail(format!(
                "The first is in \"{}\", line {}.",
                first.path,
                first.position().0
            ))
            .at(seed.excerpt(table, row.span.clone(), "and here again")));
        }
    }
    Ok(())
}

fn refuse_lost_references(seed: &Seed) -> Result<()> {
    let names: Vec<&str> = seed
        .ids()
        .filter_map(|id| seed.row(id).1.name.as_deref())
        .collect();
    let lost = |cell: &Cell| -> Option<Failure> {
        let references = cell.value.references();
        let lost = references
            .iter()
            .find(|reference| !names.contains(&reference.name.as_str()))?;
        let failure = Failure::usage(format!("no row is named \"{}\"", lost.name));
        Some(match nearest(&lost.name, names.iter().copied()) {
            Some(near) => failure.hint(format!("Did you mean \"{near}\"?")),
            None => failure.hint(format!(
                "Name the row it means: \"$name\" = \"{}\"",
                lost.name
            )),
        })
    };
    for table in &seed.tables {
        let cells = table.rows.iter().flat_map(|row| &row.values);
        for cell in table.writer.context().chain(cells) {
            if let Some(failure) = lost(cell) {
                return Err(failure.at(seed.excerpt(table, cell.span.clone(), "here")));
            }
        }
    }
    for item in &seed.items {
        for cell in item.tenant.iter().chain(&item.user).chain(&item.properties) {
            if let Some(failure) = lost(cell) {
                return Err(
                    failure.at(seed.documents[item.file].excerpt(cell.span.clone(), "here"))
                );
            }
        }
    }
    Ok(())
}
