//! What a database is now, as far as a plan depends on it.

use std::collections::BTreeMap;

use crate::sql::effect::{Relation, Target};

/// One relation of the live database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Size of the rows and what belongs to them, without indexes; partitions included. Units: bytes.
    pub bytes: u64,
    /// The planner's estimate; none when nobody has counted.
    pub rows: Option<u64>,
    /// The main fork holds at least one page.
    pub has_rows: bool,
    /// An index, with its table's values in the other fields.
    pub is_index: bool,
    /// The table's type of each column, as `format_type` words it.
    pub columns: BTreeMap<String, String>,
    /// Columns that cannot hold null: marked so, or proved by a validated constraint.
    pub not_null: Vec<String>,
    /// A checksum of the relation's structure.
    pub fingerprint: String,
}

/// The database, as far as a plan depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The database's name.
    pub database: String,
    /// The server's major.
    pub major: u16,
    /// The relations that statements name, and those of schemas that statements drop.
    pub relations: Vec<Live>,
    /// The graphs' names, which are their schemas'.
    pub graphs: Vec<String>,
    /// Some table of a user's holds rows.
    pub has_rows: bool,
}

impl Facts {
    /// The relations that `target` means. A name without a schema is `public`'s, or else whatever
    /// relation has that name anywhere: guessing too much only asks for an allowance too many.
    pub fn of(&self, target: &Target) -> Vec<&Live> {
        match target {
            Target::Relation(relation) => self.named(relation, false),
            Target::Index(relation) => self.named(relation, true),
            Target::Schema(schema) => self
                .relations
                .iter()
                .filter(|live| !live.is_index && live.schema == *schema)
                .collect(),
            Target::Nothing => Vec::new(),
        }
    }

    fn named(&self, relation: &Relation, index: bool) -> Vec<&Live> {
        let same = |live: &&Live| live.is_index == index && live.name == relation.name;
        let in_schema = |schema: &str| {
            let fits = |live: &&Live| same(live) && live.schema == schema;
            self.relations.iter().find(fits)
        };
        match &relation.schema {
            Some(schema) => in_schema(schema).into_iter().collect(),
            None => in_schema("public")
                .or_else(|| {
                    self.relations
                        .iter()
                        .filter(same)
                        .max_by_key(|live| live.bytes)
                })
                .into_iter()
                .collect(),
        }
    }
}

/// Whether PostgreSQL stores values of the type `from` and of the type `to` alike, and every value of the
/// one is one of the other: then only the catalog changes. Types as `format_type` words them.
///
/// Source: `ATColumnChangeRequiresRewrite` and the binary-coercible casts of `pg_cast`.
pub fn stored_alike(from: &str, to: &str) -> bool {
    let (from, to) = (canonical(from), canonical(to));
    if from == to {
        return true;
    }
    let (from_name, from_limits) = parts(&from);
    let (to_name, to_limits) = parts(&to);
    match (from_name.as_str(), to_name.as_str()) {
        ("character varying", "text") | ("text", "character varying") if to_limits.is_empty() => {
            true
        }
        ("character varying", "character varying") | ("bit varying", "bit varying") => {
            to_limits.is_empty() || !from_limits.is_empty() && from_limits[0] <= to_limits[0]
        }
        ("numeric", "numeric") => {
            to_limits.is_empty()
                || from_limits.len() == 2
                    && to_limits.len() == 2
                    && from_limits[1] == to_limits[1]
                    && from_limits[0] <= to_limits[0]
        }
        ("cidr", "inet") => true,
        _ => false,
    }
}

fn canonical(ty: &str) -> String {
    let ty = ty.trim().to_ascii_lowercase();
    let ty = ty.split_whitespace().collect::<Vec<_>>().join(" ");
    let ty = ty.strip_prefix("pg_catalog.").unwrap_or(&ty);
    let (name, rest) = match ty.find(['(', '[']) {
        Some(at) => (ty[..at].trim_end(), &ty[at..]),
        None => (ty, ""),
    };
    let name = match name {
        "varchar" | "char varying" => "character varying",
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "bool" => "boolean",
        "decimal" => "numeric",
        "float8" | "float" => "double precision",
        "float4" => "real",
        "varbit" => "bit varying",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "char" => "character",
        other => other,
    };
    format!("{name}{}", rest.replace(' ', ""))
}

fn parts(ty: &str) -> (String, Vec<u32>) {
    let Some((name, limits)) = ty.split_once('(') else {
        return (ty.to_owned(), Vec::new());
    };
    let numbers = limits.trim_end_matches(')').split(',');
    let mut numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    if name == "numeric" && numbers.len() == 1 {
        numbers.push(0);
    }
    (name.to_owned(), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_are_stored_alike_change_without_a_rewrite() {
        for (from, to) in [
            ("character varying(10)", "varchar(20)"),
            ("character varying(10)", "text"),
            ("text", "varchar"),
            ("numeric(10,2)", "numeric(12, 2)"),
            ("numeric(10,2)", "numeric"),
            ("integer", "int4"),
            ("cidr", "inet"),
        ] {
            assert!(stored_alike(from, to), "{from} {to}");
        }
        for (from, to) in [
            ("integer", "bigint"),
            ("character varying(20)", "varchar(10)"),
            ("text", "varchar(10)"),
            ("numeric(10,2)", "numeric(12,3)"),
            ("numeric", "numeric(12,3)"),
            ("text", "uuid"),
            ("vector(3)", "vector(2)"),
            ("timestamp without time zone", "timestamptz"),
        ] {
            assert!(!stored_alike(from, to), "{from} {to}");
        }
    }
}
