//! What the catalog says of the tables that are seeded, and whether the files fit it.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::document::nearest;
use crate::spec::seed::{Cell, Seed, SeedTable, Value, forms};

/// One column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The type as SQL, qualified.
    pub kind: String,
    /// The type's own name; of a domain, that of the type below.
    pub base: String,
    /// `pg_type.typcategory` of the same.
    pub category: String,
    /// `pg_attribute.atttypmod`: of a vector its dimensions, or -1.
    pub modifier: i32,
    /// The server computes it.
    generated: bool,
    /// It is an identity that takes a value only where that is said.
    pub identity: bool,
    /// It is the primary key, alone.
    alone_primary: bool,
    /// The table and column that its foreign key refers to.
    to: Option<(Name, String)>,
}

/// The columns of a table, by name.
pub(super) type Columns = BTreeMap<String, Column>;

/// The tables of a profile.
#[derive(Debug, Default)]
pub(super) struct Shape {
    tables: BTreeMap<Name, Columns>,
}

impl Shape {
    /// Reads the catalog.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn read(connection: &mut PgConnection, seed: &Seed) -> Result<Self> {
        let mut names: Vec<&Name> = seed.tables.iter().map(|table| &table.name).collect();
        names.sort();
        names.dedup();
        let schemas: Vec<&str> = names.iter().map(|name| name.schema.as_str()).collect();
        let tables: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
        // Only what stands outside pg_catalog is qualified then, and that in full.
        let begin = "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog";
        session::run(connection, begin, "begin a transaction").await?;
        let rows = sqlx::query(include_str!("shape.sql"))
            .bind(schemas)
            .bind(tables)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failure("look at the tables", &error))?;
        session::run(connection, "ROLLBACK", "end the transaction").await?;
        let mut shape = Self::default();
        for row in rows {
            let name = Name::new(
                row.get::<String, _>("schema"),
                row.get::<String, _>("table"),
            )?;
            let to = match row.get::<Option<String>, _>("to_schema") {
                Some(schema) => Some((
                    Name::new(schema, row.get::<String, _>("to_table"))?,
                    row.get("to_column"),
                )),
                None => None,
            };
            let column = Column {
                kind: row.get("type"),
                base: row.get("base"),
                category: row.get("category"),
                modifier: row.get("modifier"),
                generated: row.get("generated"),
                identity: row.get("identity"),
                alone_primary: row.get::<Option<bool>, _>("alone_primary") == Some(true),
                to,
            };
            let columns = shape.tables.entry(name).or_default();
            columns.insert(row.get("column"), column);
        }
        Ok(shape)
    }

    /// Whether every table and column of the files is there and can take what it is given.
    ///
    /// # Errors
    /// Exit 2 with file, line and column.
    pub fn check(&self, seed: &Seed) -> Result<()> {
        for table in &seed.tables {
            let Some(columns) = self.tables.get(&table.name) else {
                return Err(
                    Failure::usage(format!("table {} does not exist", table.name))
                        .at(seed.excerpt(table, table.span.clone(), "here"))
                        .hint("Migrate first (edu db migrate), or mend the name."),
                );
            };
            for cell in table.rows.iter().flat_map(|row| &row.values) {
                fits(seed, table, columns, cell)?;
            }
        }
        Ok(())
    }

    /// The columns of a table that [`Self::check`] has seen.
    pub fn columns(&self, name: &Name) -> Result<&Columns> {
        self.tables
            .get(name)
            .ok_or_else(|| Failure::bug(format!("table {name} was not looked at")))
    }

    /// The column that is the primary key alone.
    pub fn primary(&self, name: &Name) -> Option<&str> {
        let columns = self.tables.get(name)?;
        let (name, _) = columns.iter().find(|(_, column)| column.alone_primary)?;
        Some(name)
    }

    /// The column that a reference means in the table `target`, when `column` of `from` holds it.
    pub fn referred(&self, from: &Name, column: &str, target: &SeedTable) -> Option<String> {
        let own = self
            .tables
            .get(from)
            .and_then(|columns| columns.get(column));
        if let Some((table, column)) = own.and_then(|own| own.to.as_ref())
            && *table == target.name
        {
            return Some(column.clone());
        }
        let primary = self.primary(&target.name).map(str::to_owned);
        match target.key.as_slice() {
            [only] => primary.or_else(|| Some(only.clone())),
            _ => primary,
        }
    }
}

fn fits(seed: &Seed, table: &SeedTable, columns: &Columns, cell: &Cell) -> Result<()> {
    let refused =
        |error: String| Failure::usage(error).at(seed.excerpt(table, cell.span.clone(), "here"));
    let Some(column) = columns.get(&cell.column) else {
        let error = format!("{} has no column \"{}\"", table.name, cell.column);
        return Err(
            match nearest(&cell.column, columns.keys().map(String::as_str)) {
                Some(near) => refused(error).hint(format!("Did you mean \"{near}\"?")),
                None => refused(error),
            },
        );
    };
    if column.generated {
        return Err(refused(format!(
            "column \"{}\" of {} is computed by the server",
            cell.column, table.name
        ))
        .hint("Leave it out."));
    }
    // A misspelt computed value would be stored as a text of JSON.
    if let Value::Object(entries) = &cell.value
        && !matches!(column.base.as_str(), "json" | "jsonb" | "hstore")
        && column.category != "C"
    {
        let failure = refused(format!(
            "column \"{}\" is {}, which holds no table",
            cell.column, column.kind
        ));
        let near = entries.iter().find_map(|(key, _)| nearest(key, forms()));
        return Err(match near {
            Some(near) => failure.hint(format!(
                "Did you mean {{ {near} = … }}? Computed values are in docs/seeds.md."
            )),
            None => failure.hint("Computed values are in docs/seeds.md."),
        });
    }
    Ok(())
}
