//! Object names and the only quoting of identifiers and literals.
//!
//! A name in a project file is read as strictly as it is written: an unquoted upper-case letter is an
//! error, because PostgreSQL would fold it silently and mean another object.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// The longest identifier PostgreSQL keeps. Units: bytes. Source: `NAMEDATALEN` - 1.
pub const NAME_BYTES_MAX: usize = 63;

/// A schema-qualified object name. Its `Display` is quoted, ready for SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name {
    /// The schema, as the catalog spells it.
    pub schema: String,
    /// The object's own name, as the catalog spells it.
    pub name: String,
}

impl Name {
    /// Joins two names as the catalog spells them.
    ///
    /// # Errors
    /// Exit 2 when a part is empty, holds a NUL byte, or is longer than [`NAME_BYTES_MAX`].
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Result<Self> {
        let (schema, name) = (schema.into(), name.into());
        check_part(&schema).map_err(Failure::usage)?;
        check_part(&name).map_err(Failure::usage)?;
        Ok(Self { schema, name })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}",
            quote_ident(&self.schema),
            quote_ident(&self.name)
        )
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Name {
    type Err = String;

    /// Reads `table` (schema `public`), `schema.table`, and both with double quotes.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (first, rest) = read_part(text, text)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return match rest {
                "" => Ok(Self {
                    schema: "public".to_owned(),
                    name: first,
                }),
                _ => Err(malformed(text)),
            };
        };
        match read_part(rest, text)? {
            (second, "") => Ok(Self {
                schema: first,
                name: second,
            }),
            _ => Err(malformed(text)),
        }
    }
}

/// A column of a table. Its `Display` is quoted, ready for SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName {
    /// The table.
    pub table: Name,
    /// The column, as the catalog spells it.
    pub column: String,
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, quote_ident(&self.column))
    }
}

impl From<ColumnName> for String {
    fn from(name: ColumnName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for ColumnName {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ColumnName {
    type Err = String;

    /// Reads `table.column` (schema `public`) and `schema.table.column`, each part with or without quotes.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = read_part(rest, text)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(more) => rest = more,
                None if after.is_empty() => break,
                None => return Err(malformed(text)),
            }
        }
        let (schema, name, column) = match <[String; 3]>::try_from(parts) {
            Ok([schema, name, column]) => (schema, name, column),
            Err(parts) => match <[String; 2]>::try_from(parts) {
                Ok([name, column]) => ("public".to_owned(), name, column),
                Err(_) => {
                    return Err(format!(
                        "\"{text}\" is not a column: write schema.table.column"
                    ));
                }
            },
        };
        Ok(Self {
            table: Name { schema, name },
            column,
        })
    }
}

/// Reads one unqualified name: `word` or `"Any text"`.
///
/// # Errors
/// A sentence for the user: upper-case letters without quotes, a dot, or one of the limits of [`Name::new`].
pub fn parse_ident(text: &str) -> std::result::Result<String, String> {
    match read_part(text, text)? {
        (part, "") => Ok(part),
        _ => Err(malformed(text)),
    }
}

/// Reads the part at the start of `text`; gives it and what follows.
fn read_part<'a>(text: &'a str, whole: &str) -> std::result::Result<(String, &'a str), String> {
    let (part, rest) = match text.strip_prefix('"') {
        Some(quoted) => read_quoted(quoted).ok_or_else(|| malformed(whole))?,
        None => {
            let end = text.find(['.', '"']).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            if word.chars().any(char::is_uppercase) {
                return Err(format!(
                    "\"{whole}\" has upper-case letters: PostgreSQL needs double quotes around \
                     them (\\\"{word}\\\" in TOML), or write it in lower case"
                ));
            }
            if !is_bare(word) {
                return Err(malformed(whole));
            }
            (word.to_owned(), rest)
        }
    };
    check_part(&part)?;
    Ok((part, rest))
}

/// Reads up to the closing quote, with `""` for one quote.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                part.push('"');
            }
            '"' => return Some((part, &text[at + 1..])),
            other => part.push(other),
        }
    }
    None
}

fn check_part(part: &str) -> std::result::Result<(), String> {
    if part.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if part.contains('\0') {
        return Err(format!(
            "name \"{}\" has a NUL byte",
            part.replace('\0', "")
        ));
    }
    if part.len() > NAME_BYTES_MAX {
        return Err(format!(
            "name \"{part}\" has {} bytes; PostgreSQL keeps {NAME_BYTES_MAX} and drops the rest",
            part.len()
        ));
    }
    Ok(())
}

fn malformed(text: &str) -> String {
    format!("\"{text}\" is not a name: write table, schema.table or schema.\"Table\"")
}

/// Whether PostgreSQL reads the unquoted word as it is written.
fn is_bare(word: &str) -> bool {
    let mut chars = word.chars();
    chars
        .next()
        .is_some_and(|c| c == '_' || (c.is_alphabetic() && !c.is_uppercase()))
        && chars.all(|c| c == '_' || c == '$' || (c.is_alphanumeric() && !c.is_uppercase()))
}

/// Quotes an identifier where it needs quotes, as PostgreSQL's `quote_ident` does.
///
/// A NUL byte, which no identifier of PostgreSQL can hold, is left out.
pub fn quote_ident(ident: &str) -> String {
    let mut chars = ident.chars();
    let plain = chars
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_lowercase())
        && chars.all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && RESERVED.binary_search(&ident).is_err();
    if plain {
        return ident.to_owned();
    }
    format!("\"{}\"", ident.replace('\0', "").replace('"', "\"\""))
}

/// Quotes a text as an SQL literal. Backslashes are safe whatever `standard_conforming_strings` says.
///
/// # Errors
/// Exit 2 for a NUL byte: PostgreSQL's text cannot hold one, and the statement would end there.
pub fn quote_literal(text: &str) -> Result<String> {
    if let Some(at) = text.find('\0') {
        return Err(Failure::usage("a text has a NUL byte")
            .detail(format!("It is at byte {at}; PostgreSQL cannot store it.")));
    }
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        return Ok(format!("E'{}'", doubled.replace('\\', "\\\\")));
    }
    Ok(format!("'{doubled}'"))
}

/// Every keyword that some supported major does not take as a bare name in all places, sorted.
/// Source: `pg_get_keywords()` of 16, 17 and 18, categories R, C and T.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between", "bigint",
    "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce", "collate",
    "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog", "current_date",
    "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal", "default",
    "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float",
    "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in",
    "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull", "join", "json",
    "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar",
    "json_serialize", "json_table", "json_value", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "merge_action", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null",
    "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing",
    "position", "precision", "primary", "real", "references", "returning", "right", "row", "select", "session_user",
    "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user", "table", "tablesample", "then",
    "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values",
    "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat", "xmlelement",
    "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

#[cfg(test)]
mod tests;
