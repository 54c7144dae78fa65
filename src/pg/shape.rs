//! A compact picture of a database's structure: each object with a checksum of its definition. Two
//! databases are alike when their shapes are equal.
//!
//! It answers yes or no and names what differs, not how.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::failure;
use super::session;
use crate::failure::Result;

const DOING: &str = "read the database's structure";

/// Object ("table app.note") to checksum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape(pub BTreeMap<String, String>);

impl Shape {
    /// What differs, one phrase each, in the objects' order. `self` is what is expected.
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let mut all: Vec<(&String, String)> = Vec::new();
        for (object, checksum) in &self.0 {
            match found.0.get(object) {
                None => all.push((object, format!("{object} is missing"))),
                Some(other) if other != checksum => {
                    all.push((object, format!("{object} is defined otherwise")))
                }
                Some(_) => {}
            }
        }
        for object in found
            .0
            .keys()
            .filter(|object| !self.0.contains_key(*object))
        {
            all.push((object, format!("{object} is there besides")));
        }
        all.sort();
        all.into_iter().map(|(_, phrase)| phrase).collect()
    }
}

/// Reads the shape of a database, without the schemas `without`.
///
/// # Errors
/// By SQLSTATE. Nothing is changed.
pub async fn read(connection: &mut PgConnection, without: &[String]) -> Result<Shape> {
    session::run(
        connection,
        "BEGIN READ ONLY; SET LOCAL search_path = ''",
        DOING,
    )
    .await?;
    let rows = sqlx::query(include_str!("inspect/shape.sql"))
        .bind(without)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure(DOING, &error));
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    let all = rows?;
    let object = |row: &sqlx::postgres::PgRow| {
        let checksum: Option<String> = row.get("checksum");
        (row.get("object"), checksum.unwrap_or_default())
    };
    Ok(Shape(all.iter().map(object).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_shapes_tell_what_is_missing_different_and_besides() {
        let shape = |all: &[(&str, &str)]| {
            Shape(
                all.iter()
                    .map(|(a, b)| ((*a).into(), (*b).into()))
                    .collect(),
            )
        };
        let expected = shape(&[("table a", "1"), ("table b", "2"), ("table c", "3")]);
        let found = shape(&[("table a", "1"), ("table b", "9"), ("table d", "4")]);
        assert_eq!(
            expected.differences(&found),
            [
                "table b is defined otherwise",
                "table c is missing",
                "table d is there besides"
            ]
        );
        assert!(expected.differences(&expected).is_empty());
    }
}
