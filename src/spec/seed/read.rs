//! From the texts of a profile's files to their rows, with every check that needs the texts.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Cell, Row, Seed, SeedTable, Value, Writer};
use crate::catalog::name::{NAME_BYTES_MAX, Name};
use crate::failure::{Failure, Result};
use crate::spec::document::Document;
use crate::spec::entries::Entries;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    table: Vec<Spanned<Block>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    name: Spanned<Name>,
    #[serde(rename = "as")]
    writer: Option<Spanned<String>>,
    tenant: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    key: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    row: Vec<Spanned<Entries<toml::Value>>>,
}

pub(super) fn seed(documents: &[Document]) -> Result<Seed> {
    let mut seed = Seed {
        documents: documents.to_vec(),
        tables: Vec::new(),
    };
    for (file, document) in documents.iter().enumerate() {
        let parsed: File = document.parse()?;
        for block in parsed.table {
            seed.tables.push(table(document, file, block.into_inner())?);
        }
    }
    refuse_repeated_rows(&seed)?;
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
        if let Some(missing) = key
            .iter()
            .find(|column| row.values.iter().all(|cell| cell.column != **column))
        {
            return Err(document
                .failure(
                    row.span.clone(),
                    format!("a row of {name} has no \"{missing}\""),
                )
                .detail("The key columns tell whether a row is there already.")
                .hint(format!(
                    "Give the row its \"{missing}\", or the table another key."
                )));
        }
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

fn writer(document: &Document, block: &Block) -> Result<Writer> {
    let name = block.name.get_ref();
    match (&block.writer, &block.tenant) {
        (Some(writer), _) if writer.get_ref() != "owner" => Err(document.failure(
            writer.span(),
            format!("`as` knows \"owner\" only, not \"{}\"", writer.get_ref()),
        )),
        (Some(writer), Some(_)) => Err(document
            .failure(
                writer.span(),
                format!("table {name} has both `as` and `tenant`"),
            )
            .detail("The owner is bound by no tenant.")),
        (Some(_), None) => match &block.user {
            Some(user) => Err(document.failure(
                user.span(),
                format!("table {name} has both `as` and `user`"),
            )),
            None => Ok(Writer::Owner),
        },
        (None, None) => Err(document
            .failure(
                block.name.span(),
                format!("table {name} has neither `as` nor `tenant`"),
            )
            .detail(
                "Rows are written as the owner, or as the application role in a tenant's context.",
            )
            .hint("Write: as = \"owner\", or: tenant = \"<id>\"")),
        (None, Some(tenant)) => {
            for value in std::iter::once(tenant).chain(&block.user) {
                if value.get_ref().is_empty() || value.get_ref().contains('\0') {
                    return Err(document.failure(
                        value.span(),
                        format!("the context of {name} is empty or has a NUL byte"),
                    ));
                }
            }
            Ok(Writer::Tenant {
                tenant: tenant.get_ref().clone(),
                user: block.user.as_ref().map(|user| user.get_ref().clone()),
            })
        }
    }
}

fn row(document: &Document, entries: Spanned<Entries<toml::Value>>) -> Result<Row> {
    let span = entries.span();
    let values = entries.into_inner().0.into_iter().map(|(column, value)| {
        let at = value.span();
        let name = column.get_ref();
        if name.is_empty() || name.contains('\0') || name.len() > NAME_BYTES_MAX {
            return Err(document.failure(
                column.span(),
                "a column's name is empty, too long or has a NUL byte",
            ));
        }
        let read = cell(value.into_inner()).map_err(|error| {
            let error = format!("column \"{}\" {error}", column.get_ref());
            document.failure(at.clone(), error)
        })?;
        Ok(Cell {
            column: column.into_inner(),
            value: read,
            span: at,
        })
    });
    Ok(Row {
        values: values.collect::<Result<_>>()?,
        span,
    })
}

fn cell(value: toml::Value) -> std::result::Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::Text(stored(text)?),
        toml::Value::Integer(number) => Value::Integer(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::Time(time.to_string()),
        toml::Value::Table(table) if table.keys().any(|key| key.starts_with('$')) => {
            return Err("has a key with `$`, which is kept for computed values".to_owned());
        }
        value @ (toml::Value::Table(_) | toml::Value::Array(_)) => Value::Json(json(value)?),
    })
}

fn json(value: toml::Value) -> std::result::Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    Ok(match value {
        toml::Value::String(text) => Json::String(stored(text)?),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Json::Number)
            .ok_or_else(|| format!("holds {number}, which JSON cannot"))?,
        toml::Value::Boolean(truth) => Json::Bool(truth),
        toml::Value::Datetime(time) => Json::String(time.to_string()),
        toml::Value::Array(items) => Json::Array(
            items
                .into_iter()
                .map(json)
                .collect::<std::result::Result<_, _>>()?,
        ),
        toml::Value::Table(table) => {
            let mut object = serde_json::Map::new();
            for (key, value) in table {
                object.insert(stored(key)?, json(value)?);
            }
            Json::Object(object)
        }
    })
}

fn stored(text: String) -> std::result::Result<String, String> {
    match text.contains('\0') {
        true => Err("holds a NUL byte, which PostgreSQL cannot store".to_owned()),
        false => Ok(text),
    }
}

/// Two rows with one key would overwrite each other, and the file's order would decide.
fn refuse_repeated_rows(seed: &Seed) -> Result<()> {
    type Key<'a> = (&'a Name, Vec<(&'a str, String)>);
    let mut seen: BTreeMap<Key<'_>, (&SeedTable, &Row)> = BTreeMap::new();
    for table in &seed.tables {
        for row in &table.rows {
            let key = table.key.iter().filter_map(|column| {
                let cell = row.values.iter().find(|cell| cell.column == *column)?;
                Some((column.as_str(), format!("{:?}", cell.value)))
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
