//! What a dump holds, as `pg_restore --list` tells it.

/// The table of contents, entry by entry, for `pg_restore --use-list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    entries: Vec<String>,
}

impl Listing {
    /// Reads what `pg_restore --list` printed. Lines that start with a semicolon are comments.
    pub fn read(text: &str) -> Self {
        let entries = text
            .lines()
            .filter(|line| !line.starts_with(';') && !line.trim().is_empty())
            .map(ToOwned::to_owned)
            .collect();
        Self { entries }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none: then something is wrong with the dump.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many tables bring rows.
    pub fn tables(&self) -> usize {
        let data = self
            .entries
            .iter()
            .filter(|line| kind(line) == "TABLE DATA");
        data.count()
    }

    /// Splits the entries by what the extensions made already: their schemas and themselves are left
    /// out, the rows of their tables come by themselves and in order, because their foreign keys hold.
    pub fn split(&self, there: &There) -> Split {
        let mut split = Split::default();
        for line in &self.entries {
            let names: Vec<&str> = line.split_whitespace().skip(3).collect();
            match names.as_slice() {
                ["EXTENSION", ..] | ["COMMENT", "-", "EXTENSION", ..] => continue,
                ["SCHEMA", "-", name, ..] if there.schemas.iter().any(|one| one == name) => {
                    continue;
                }
                ["TABLE", "DATA", schema, name, ..] if there.has(schema, name) => {
                    split.ordered.push_str(line);
                    split.ordered.push('\n');
                }
                _ => {
                    split.rest.push_str(line);
                    split.rest.push('\n');
                }
            }
        }
        split
    }
}

/// What is in the database before the dump is read.
#[derive(Debug, Default)]
pub struct There {
    /// Schemas.
    pub schemas: Vec<String>,
    /// Tables of extensions, with their schemas.
    pub tables: Vec<(String, String)>,
}

impl There {
    fn has(&self, schema: &str, name: &str) -> bool {
        self.tables.iter().any(|(s, n)| s == schema && n == name)
    }
}

/// Two lists for `pg_restore --use-list`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Rows of the extensions' tables.
    pub ordered: String,
    /// All that is not there yet.
    pub rest: String,
}

/// The words between the numbers and the schema: "TABLE DATA", "SCHEMA".
/// Source: `PrintTOCSummary` writes `id; catalog-oid oid KIND schema name owner`.
fn kind(line: &str) -> String {
    line.split_whitespace()
        .skip(3)
        .take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ";\n; Archive created at 2026\n;\n\
        9; 2615 16385 SCHEMA - ag_catalog postgres\n\
        2; 3079 16386 EXTENSION - age \n\
        5120; 0 0 COMMENT - EXTENSION age \n\
        10; 2615 17000 SCHEMA - app owner\n\
        300; 1259 17001 TABLE app t owner\n\
        5099; 0 16400 TABLE DATA ag_catalog ag_graph postgres\n\
        5100; 0 17001 TABLE DATA app t owner\n";

    #[test]
    fn what_the_extensions_made_is_left_out() {
        let listing = Listing::read(TEXT);
        assert_eq!((listing.len(), listing.tables()), (7, 2));
        let there = There {
            schemas: vec!["ag_catalog".to_owned(), "public".to_owned()],
            tables: vec![("ag_catalog".to_owned(), "ag_graph".to_owned())],
        };
        let split = listing.split(&there);
        let kinds = |text: &str| text.lines().map(kind).collect::<Vec<_>>();
        assert_eq!(kinds(&split.rest), ["SCHEMA", "TABLE", "TABLE DATA"]);
        assert_eq!(kinds(&split.ordered), ["TABLE DATA"]);
    }
}
