//! A value for a column, as SQL: fitting its type, different for different salts.

use sha2::{Digest, Sha256};

use super::shape::ColumnShape;
use crate::catalog::name::quote_literal;

/// A number that a salt leads to.
fn hash(salt: &str) -> [u8; 16] {
    let digest = Sha256::digest(salt.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

/// A version-4 UUID that a salt leads to.
pub fn uuid(salt: &str) -> String {
    uuid::Builder::from_random_bytes(hash(salt))
        .into_uuid()
        .to_string()
}

fn number(salt: &str, below: u64) -> u64 {
    let bytes = hash(salt);
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(eight) % below + 1
}

/// A value with its cast. Shape: nothing for a type that is not known.
pub fn literal(column: &ColumnShape, salt: &str) -> Option<String> {
    let text = text(column, salt)?;
    Some(format!(
        "{}::{}",
        quote_literal(&text).ok()?,
        column.data_type
    ))
}

fn text(column: &ColumnShape, salt: &str) -> Option<String> {
    if let Some(label) = column.labels.first() {
        return Some(label.clone());
    }
    let unique = |below: u64, plain: &str| {
        if column.keyed {
            number(salt, below).to_string()
        } else {
            plain.to_owned()
        }
    };
    let length = usize::try_from(column.length)
        .ok()
        .filter(|length| *length > 0);
    Some(match column.base.as_str() {
        "uuid" => uuid(salt),
        "text" | "varchar" | "bpchar" | "citext" | "name" => {
            let mut word = uuid(salt).replace('-', "");
            word.truncate(length.map_or(32, |length| length.saturating_sub(4)).min(32));
            word
        }
        "int2" => unique(30_000, "1"),
        "int4" | "int8" | "oid" => unique(1_000_000_000, "1"),
        "numeric" => "1".to_owned(),
        "float4" | "float8" => "0.5".to_owned(),
        "money" => "1".to_owned(),
        "bool" => "false".to_owned(),
        "date" => "2020-01-01".to_owned(),
        "timestamp" | "timestamptz" => "2020-01-01 00:00:00+00".to_owned(),
        "time" | "timetz" => "12:00:00+00".to_owned(),
        "interval" => "1 day".to_owned(),
        "json" | "jsonb" => "{}".to_owned(),
        "bytea" => "\\x00".to_owned(),
        "inet" | "cidr" => "10.0.0.1".to_owned(),
        "macaddr" => "08:00:2b:01:02:03".to_owned(),
        "macaddr8" => "08:00:2b:01:02:03:04:05".to_owned(),
        "vector" | "halfvec" => {
            let mut parts = vec!["0"; length.unwrap_or(3)];
            parts[0] = "1";
            format!("[{}]", parts.join(","))
        }
        "sparsevec" => format!("{{1:1}}/{}", length.unwrap_or(3)),
        "bit" | "varbit" => "0".repeat(length.unwrap_or(1)),
        "tsvector" | "tsquery" => "a".to_owned(),
        "xml" => "<a/>".to_owned(),
        "point" => "(0,0)".to_owned(),
        "line" => "{1,1,0}".to_owned(),
        "lseg" | "box" | "path" | "polygon" => "((0,0),(1,1))".to_owned(),
        "circle" => "<(0,0),1>".to_owned(),
        "ltree" => "a".to_owned(),
        "hstore" => String::new(),
        "pg_lsn" => "0/0".to_owned(),
        _ if column.category == "A" || column.base.ends_with("multirange") => "{}".to_owned(),
        _ if column.category == "R" => "empty".to_owned(),
        _ => return None,
    })
}

/// Texts that fill many types; the server says which are valid for this one.
pub fn guesses(column: &ColumnShape) -> Option<String> {
    let cast = quote_literal(&column.data_type).ok()?;
    Some(format!(
        "(SELECT v FROM (VALUES ('0'), (''), ('{{}}'), ('a'), ('(0,0)'), ('[0,0]'), ('2000-01-01'), ('(0)'), ('empty')) g (v) \
         WHERE pg_catalog.pg_input_is_valid(v, {cast}) LIMIT 1)::{}",
        column.data_type
    ))
}

/// Other values that a column can take, as SQL: the rest of an enumeration, the other boolean, NULL, and constants.
pub fn variants(column: &ColumnShape, mined: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let cast = |text: &str| {
        quote_literal(text)
            .ok()
            .map(|text| format!("{text}::{}", column.data_type))
    };
    match column.base.as_str() {
        "bool" => all.extend(["true".to_owned(), "false".to_owned()]),
        "text" | "varchar" | "bpchar" | "citext" => {
            all.extend(mined.iter().filter_map(|text| cast(text)))
        }
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" => {
            let numbers = mined.iter().filter(|text| text.parse::<i64>().is_ok());
            all.extend(
                ["0", "1000000"]
                    .into_iter()
                    .chain(numbers.map(String::as_str))
                    .filter_map(cast),
            );
        }
        "date" | "timestamp" | "timestamptz" => all.extend(cast("2100-01-01")),
        _ => all.extend(column.labels.iter().filter_map(|label| cast(label))),
    }
    if !column.not_null {
        all.push("NULL".to_owned());
    }
    all.truncate(8);
    all
}

/// Candidates for a column of a CHECK that the plain value does not pass.
pub fn candidates(column: &ColumnShape, plain: &str, checks: &[String]) -> Vec<String> {
    const WORDS: [&str; 18] = [
        "a",
        "A",
        "abc",
        "ABC",
        "AAA",
        "AA",
        "a@b.co",
        "https://a.co",
        "+4912345678",
        "12345",
        "0",
        "1",
        "en",
        "en-US",
        "#000000",
        "a-b",
        "{}",
        "[]",
    ];
    let mut all = vec![plain.to_owned()];
    let mut texts: Vec<String> = checks.iter().flat_map(|check| mine(check)).collect();
    texts.extend(WORDS.map(str::to_owned));
    let numeric = column.category == "N";
    let cast = |text: &str| {
        quote_literal(text)
            .ok()
            .map(|text| format!("{text}::{}", column.data_type))
    };
    for text in texts {
        match text.parse::<f64>() {
            Ok(n) if numeric => all.extend(
                [n, n + 1.0, n - 1.0]
                    .iter()
                    .filter_map(|n| cast(&n.to_string())),
            ),
            _ if numeric => {}
            _ if matches!(column.category.as_str(), "S") => all.extend(cast(&text)),
            _ if matches!(column.base.as_str(), "json" | "jsonb")
                && matches!(text.as_str(), "{}" | "[]" | "0" | "1") =>
            {
                all.extend(cast(&text))
            }
            _ => {}
        }
    }
    if column.category == "D" {
        all.extend(
            ["1970-01-01", "2000-01-01", "2030-01-01", "2100-01-01"]
                .into_iter()
                .filter_map(cast),
        );
    }
    if column.category == "B" {
        all.extend(["true".to_owned(), "false".to_owned()]);
    }
    if !column.not_null {
        all.push("NULL".to_owned());
    }
    all.sort();
    all.dedup();
    all.truncate(40);
    all
}

/// The constants in a text of SQL: what stands in single quotes, and numbers.
pub fn mine(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in sql.split('\'').enumerate() {
        if at % 2 == 1 {
            found.push(part.to_owned());
        } else {
            let numbers = part.split(|c: char| {
                !(c.is_ascii_digit() || c == '.' || c == '_' || c.is_ascii_alphabetic())
            });
            found.extend(
                numbers
                    .filter(|word| word.parse::<f64>().is_ok())
                    .map(str::to_owned),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}
