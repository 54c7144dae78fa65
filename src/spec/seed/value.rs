//! One value of a row: as it stands in the file, or how it is computed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::offset;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL: `{ null = true }`, because TOML has none.
    Null,
    /// A text, or anything PostgreSQL reads from one.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A date, a time or both, as written.
    Time(String),
    /// Bytes: `{ hex = "…" }` or `{ base64 = "…" }`.
    Bytes(Vec<u8>),
    /// A TOML array: an SQL array, JSON or a vector, as the column says.
    Array(Vec<Value>),
    /// A TOML table: JSON or a composite.
    Object(Vec<(String, Value)>),
    /// Something that is computed when the row is written.
    Computed(Computed),
}

/// How a value is computed.
#[derive(Clone, PartialEq)]
pub enum Computed {
    /// The Argon2id hash of a password, in the PHC form, with a salt of its own.
    Argon2(String),
    /// The SHA-256 of a text, in hexadecimal.
    Sha256(String),
    /// A random key of which only the SHA-256 is stored.
    ApiKey {
        /// What the key starts with.
        prefix: String,
        /// How many random bytes follow, in hexadecimal.
        bytes: u16,
    },
    /// The start of the row's API key, so that people can tell keys apart.
    ApiKeyPrefix {
        /// How much of it. Units: characters.
        length: u16,
        /// The column of the key, where the row has more than one.
        of: Option<String>,
    },
    /// A random text that is stored.
    Random {
        /// What it starts with.
        prefix: String,
        /// How many random bytes follow, in hexadecimal.
        bytes: u16,
    },
    /// A random UUID.
    Uuid,
    /// A unit vector that depends on this text alone.
    Embed(String),
    /// A row of numbers in a file.
    Row {
        /// The file, from the project's root.
        path: String,
        /// The row. Units: counts from 0.
        row: usize,
    },
    /// The time of writing, moved. Units: seconds.
    Now(i64),
    /// A column of another row.
    Reference(Reference),
}

/// A column of a named row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The row's `"$name"`.
    pub name: String,
    /// The column; without one, what the foreign key refers to, else the row's primary key.
    pub column: Option<String>,
}

/// A password or what leads to one is never printed, whoever prints.
impl std::fmt::Debug for Computed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argon2(_) => f.write_str("argon2"),
            Self::Sha256(_) => f.write_str("sha256"),
            Self::ApiKey { prefix, bytes } => write!(f, "api_key {prefix} {bytes}"),
            Self::ApiKeyPrefix { length, of } => write!(f, "api_key_prefix {length} {of:?}"),
            Self::Random { prefix, bytes } => write!(f, "random {prefix} {bytes}"),
            Self::Uuid => f.write_str("uuid"),
            Self::Embed(_) => f.write_str("embed"),
            Self::Row { path, row } => write!(f, "{path} {row}"),
            Self::Now(offset) => write!(f, "now {offset}"),
            Self::Reference(reference) => write!(f, "{reference:?}"),
        }
    }
}

impl Computed {
    /// Whether it is the same whenever it is computed, as a key must be.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Sha256(_) | Self::Reference(_))
    }
}

impl Value {
    /// The references in it, also those within arrays and tables.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Computed(Computed::Reference(reference)) => vec![reference],
            Self::Array(items) => items.iter().flat_map(Self::references).collect(),
            Self::Object(entries) => entries
                .iter()
                .flat_map(|(_, value)| value.references())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether nothing in it is computed.
    pub fn is_literal(&self) -> bool {
        match self {
            Self::Computed(_) => false,
            Self::Array(items) => items.iter().all(Self::is_literal),
            Self::Object(entries) => entries.iter().all(|(_, value)| value.is_literal()),
            _ => true,
        }
    }

    /// Whether a row can be found again by it.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Computed(computed) => computed.is_lasting(),
            Self::Array(items) => items.iter().all(Self::is_lasting),
            Self::Object(entries) => entries.iter().all(|(_, value)| value.is_lasting()),
            _ => true,
        }
    }
}

/// The words that a computed value starts with, each with the keys that may stand beside it.
const FORMS: [(&str, &[&str]); 14] = [
    ("null", &[]),
    ("hex", &[]),
    ("base64", &[]),
    ("json", &[]),
    ("argon2", &[]),
    ("sha256", &[]),
    ("api_key", &["hash", "bytes"]),
    ("api_key_prefix", &["of"]),
    ("random", &["bytes"]),
    ("uuid", &[]),
    ("embed", &[]),
    ("file", &["row"]),
    ("now", &[]),
    ("ref", &["column"]),
];

/// The words that a computed value starts with.
pub fn forms() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|(form, _)| *form)
}

/// Reads the value of a column. Tables of a known form are computed.
pub(super) fn cell(value: toml::Value) -> Result<Value, String> {
    if let toml::Value::Table(table) = &value {
        let form = FORMS.iter().find(|(form, beside)| {
            table.contains_key(*form)
                && table
                    .keys()
                    .all(|key| key == form || beside.contains(&key.as_str()))
        });
        if let Some((form, _)) = form {
            return computed(form, table);
        }
    }
    nested(value)
}

/// Reads a value within another: there only `{ "$ref" = … }` is computed, so that JSON is free to say anything else.
fn nested(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::Text(stored(text)?),
        toml::Value::Integer(number) => Value::Integer(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::Time(time.to_string()),
        toml::Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| finite(nested(item)?))
                .collect::<Result<_, _>>()?,
        ),
        toml::Value::Table(table) => match table.keys().find(|key| key.starts_with('$')) {
            Some(key) => within(key.clone(), table)?,
            None => Value::Object(
                table
                    .into_iter()
                    .map(|(key, value)| Ok((stored(key)?, finite(nested(value)?)?)))
                    .collect::<Result<_, String>>()?,
            ),
        },
    })
}

fn within(key: String, mut table: toml::Table) -> Result<Value, String> {
    let word = key.trim_start_matches('$').to_owned();
    if !matches!(word.as_str(), "ref" | "null") {
        return Err(format!(
            "has the key \"{key}\"; within arrays and tables only \"$ref\" and \"$null\" are computed"
        ));
    }
    if let Some(value) = table.remove(&key) {
        table.insert(word, value);
    }
    match cell(toml::Value::Table(table))? {
        Value::Object(_) => Err(format!("has keys that do not belong beside \"{key}\"")),
        value => Ok(value),
    }
}

fn finite(value: Value) -> Result<Value, String> {
    match value {
        Value::Float(number) if !number.is_finite() => {
            Err(format!("holds {number}, which JSON cannot"))
        }
        other => Ok(other),
    }
}

/// Why an API key needs to say how it is stored.
const UNHASHED: &str = "makes an API key: say hash = \"sha256\" beside it; for a text that is stored as it is, write { random = \"prefix\" }";

fn row_number(value: Option<&toml::Value>) -> Result<usize, String> {
    match value {
        None => Ok(0),
        Some(toml::Value::Integer(row)) if *row >= 0 => {
            usize::try_from(*row).map_err(|error| error.to_string())
        }
        Some(_) => Err("says row = …, which has to be 0 or more".to_owned()),
    }
}

fn computed(form: &str, table: &toml::Table) -> Result<Value, String> {
    let text = |key: &str| match table.get(key) {
        Some(toml::Value::String(text)) => stored(text.clone()).map(Some),
        Some(_) => Err(format!("says {key} = …, which has to be a text")),
        None => Ok(None),
    };
    let own = || Ok::<_, String>(text(form)?.unwrap_or_default());
    let number = |key: &str, least: i64, most: i64, default: i64| match table.get(key) {
        None => u16::try_from(default).map_err(|error| error.to_string()),
        Some(toml::Value::Integer(number)) if (least..=most).contains(number) => {
            u16::try_from(*number).map_err(|error| error.to_string())
        }
        Some(_) => Err(format!("says {key} = …, which has to be {least} to {most}")),
    };
    let truth = || match table.get(form) {
        Some(toml::Value::Boolean(true)) => Ok(()),
        _ => Err(format!("says {form} = …; write {form} = true")),
    };
    Ok(match form {
        "null" => truth().map(|()| Value::Null)?,
        "uuid" => match own()?.as_str() {
            "random" => Value::Computed(Computed::Uuid),
            _ => return Err("says uuid = …; write uuid = \"random\"".to_owned()),
        },
        "hex" => Value::Bytes(
            hex::decode(packed(&own()?))
                .map_err(|error| format!("is no hexadecimal text: {error}"))?,
        ),
        "base64" => Value::Bytes(
            STANDARD
                .decode(packed(&own()?))
                .map_err(|error| format!("is no base64: {error}"))?,
        ),
        "json" => match table.get("json") {
            Some(value) => nested(value.clone())?,
            None => Value::Null,
        },
        "argon2" => Value::Computed(Computed::Argon2(own()?)),
        "sha256" => Value::Computed(Computed::Sha256(own()?)),
        "api_key" if text("hash")?.as_deref() != Some("sha256") => {
            return Err(UNHASHED.to_owned());
        }
        "api_key" => Value::Computed(Computed::ApiKey {
            prefix: own()?,
            bytes: number("bytes", 16, 64, 32)?,
        }),
        "api_key_prefix" => Value::Computed(Computed::ApiKeyPrefix {
            length: number("api_key_prefix", 1, 64, 0)?,
            of: text("of")?,
        }),
        "random" => Value::Computed(Computed::Random {
            prefix: own()?,
            bytes: number("bytes", 1, 1024, 16)?,
        }),
        "embed" => Value::Computed(Computed::Embed(own()?)),
        "file" => Value::Computed(Computed::Row {
            path: own()?,
            row: row_number(table.get("row"))?,
        }),
        "now" => Value::Computed(Computed::Now(offset::read(&own()?)?)),
        _ => Value::Computed(Computed::Reference(Reference {
            name: own()?,
            column: text("column")?,
        })),
    })
}

fn stored(text: String) -> Result<String, String> {
    match text.contains('\0') {
        true => Err("holds a NUL byte, which PostgreSQL cannot store".to_owned()),
        false => Ok(text),
    }
}

/// The text without the white space that breaks long ones into lines.
fn packed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let mut table: toml::Table = toml::from_str(&format!("v = {text}")).unwrap();
        cell(table.remove("v").unwrap())
    }

    #[test]
    fn computed_values_are_told_from_json_by_their_keys() {
        let computed = |text| match read(text).unwrap() {
            Value::Computed(computed) => Some(computed),
            _ => None,
        };
        assert_eq!(
            computed("{ sha256 = \"x\" }"),
            Some(Computed::Sha256("x".into()))
        );
        assert_eq!(
            computed("{ api_key = \"ci_\", hash = \"sha256\" }"),
            Some(Computed::ApiKey {
                prefix: "ci_".into(),
                bytes: 32
            })
        );
        assert_eq!(computed("{ now = \"-1d\" }"), Some(Computed::Now(-86_400)));
        assert_eq!(computed("{ now = \"-1d\", other = 1 }"), None);
        assert_eq!(computed("{ json = { now = \"-1d\" } }"), None);
        assert_eq!(read("{ null = true }"), Ok(Value::Null));
    }

    #[test]
    fn a_reference_within_an_array_has_a_dollar() {
        let value = read("[{ \"$ref\" = \"a\", column = \"id\" }, { ref = \"b\" }]").unwrap();
        let names: Vec<_> = value.references().iter().map(|r| r.name.clone()).collect();
        assert_eq!(names, ["a"]);
        assert!(read("[{ \"$now\" = \"0\" }]").is_err());
        assert!(read("[{ \"$ref\" = \"a\", b = 1 }]").is_err());
    }

    #[test]
    fn bytes_are_read_from_both_alphabets() {
        assert_eq!(
            read("{ hex = \"DE ad\" }"),
            Ok(Value::Bytes(vec![0xde, 0xad]))
        );
        assert_eq!(
            read("{ base64 = \"3q2+7w==\" }"),
            Ok(Value::Bytes(vec![0xde, 0xad, 0xbe, 0xef]))
        );
        for wrong in [
            "{ hex = \"f\" }",
            "{ hex = \"zz\" }",
            "{ base64 = \"a\" }",
            "{ base64 = \"*\" }",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_computed_value_that_cannot_be_meant_is_refused() {
        for wrong in [
            "{ null = false }",
            "{ argon2 = 1 }",
            "{ api_key = \"x\" }",
            "{ api_key = \"x\", hash = \"md5\" }",
            "{ api_key_prefix = 0 }",
            "{ uuid = \"7\" }",
            "{ now = \"soon\" }",
            "{ random = \"x\", bytes = 0 }",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let value = read("{ argon2 = \"hunter2\" }").unwrap();
        assert!(!format!("{value:?}").contains("hunter2"));
    }
}
