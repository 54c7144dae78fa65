//! A declared index against one that was found: the same, or different in which way.

use super::memory::lists_of;
use crate::catalog::name::Name;
use crate::spec::vectors::{Lists, Method, VectorIndex};

/// An index as the catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The table.
    pub table: Name,
    /// `pg_am.amname`.
    pub method: String,
    /// `pg_opclass.opcname`.
    pub opclass: String,
    /// `pg_class.reloptions`: "m=16".
    pub options: Vec<String>,
    /// The indexed column or expression, as the server spells it.
    pub key: String,
    /// The predicate, as the server spells it.
    pub predicate: Option<String>,
    /// The index's own dimensions; `None` where its type has none. Source: `pg_attribute.atttypmod`
    /// of the index.
    pub dims: Option<u32>,
    /// What it was really built with, where that could be read.
    pub built: Option<Built>,
}

/// What an index was built with, from its first page. `ALTER INDEX … SET` does not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// Source: `HnswMetaPageData`.
    Hnsw {
        /// Neighbours per node.
        m: u32,
        /// Candidates while building.
        ef_construction: u32,
    },
    /// Source: `IvfflatMetaPageData`.
    Ivfflat {
        /// How many lists.
        lists: u32,
    },
}

impl Built {
    /// Reads an index's first page; `None` when it is none of pgvector's.
    pub fn read(page: &[u8]) -> Option<Self> {
        let content = page.get(24..)?;
        let word = |at: usize| {
            Some(u32::from_le_bytes(
                content.get(at..at + 4)?.try_into().ok()?,
            ))
        };
        let half = |at: usize| {
            Some(u16::from_le_bytes(
                content.get(at..at + 2)?.try_into().ok()?,
            ))
        };
        match word(0)? {
            0xA953_A953 => Some(Self::Hnsw {
                m: half(12)?.into(),
                ef_construction: half(14)?.into(),
            }),
            0x014F_F1A7 => Some(Self::Ivfflat {
                lists: half(10)?.into(),
            }),
            _ => None,
        }
    }
}

/// The declaration as this server spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The column or expression.
    pub key: String,
    /// The predicate.
    pub predicate: Option<String>,
    /// The project's dimensions, if it has them.
    pub dims: Option<u32>,
}

/// The parameters that are declared, each with pgvector's default.
fn declared_options(method: Method) -> Vec<(&'static str, u32, u32)> {
    match method {
        Method::Hnsw {
            m, ef_construction, ..
        } => vec![("m", m, 16), ("ef_construction", ef_construction, 64)],
        Method::Ivfflat {
            lists: Lists::Count(lists),
            ..
        } => vec![("lists", lists, 100)],
        Method::Ivfflat {
            lists: Lists::Auto, ..
        } => Vec::new(),
    }
}

/// What differs, one sentence each, in a fixed order. Empty: the index is as declared.
pub fn differences(index: &VectorIndex, wanted: &Wanted, found: &Found) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, wanted: String, found: String| {
        if wanted != found {
            differences.push(format!("{what} is {found}, declared is {wanted}"));
        }
    };
    check("table", index.table.to_string(), found.table.to_string());
    check(
        "method",
        index.method.as_str().to_owned(),
        found.method.clone(),
    );
    check(
        "operator class",
        index.opclass.clone(),
        found.opclass.clone(),
    );
    check("key", wanted.key.clone(), found.key.clone());
    let predicate = |text: &Option<String>| text.clone().unwrap_or_else(|| "absent".to_owned());
    check(
        "predicate",
        predicate(&wanted.predicate),
        predicate(&found.predicate),
    );
    if let (Some(wanted), Some(found)) = (wanted.dims, found.dims) {
        check("dimensions", wanted.to_string(), found.to_string());
    }
    if found.method == index.method.as_str() {
        for (option, value, default) in declared_options(index.method) {
            let there = option_of(&found.options, option).unwrap_or(default);
            check(option, value.to_string(), there.to_string());
        }
    }
    differences.extend(built_otherwise(found));
    differences
}

/// Where the index's first page and its options contradict each other.
fn built_otherwise(found: &Found) -> Vec<String> {
    let pairs = match found.built {
        None => Vec::new(),
        Some(Built::Hnsw { m, ef_construction }) => {
            vec![("m", m, 16), ("ef_construction", ef_construction, 64)]
        }
        Some(Built::Ivfflat { lists }) => vec![("lists", lists, 100)],
    };
    pairs
        .into_iter()
        .filter_map(|(option, built, default)| {
            let says = option_of(&found.options, option).unwrap_or(default);
            (says != built).then(|| {
                format!("it was built with {option} {built}, and its options say {says} since")
            })
        })
        .collect()
}

/// The value of one of `pg_class.reloptions`.
pub fn option_of(options: &[String], name: &str) -> Option<u32> {
    options
        .iter()
        .find_map(|text| text.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Why an ivfflat index serves badly: its table has grown since its lists were made. `built_rows` is
/// the number of rows at the build, where that is known.
pub fn outgrown(lists: u32, built_rows: Option<u64>, rows: u64) -> Option<String> {
    let fitting = lists_of(Lists::Auto, rows);
    match built_rows {
        Some(then) if rows >= 1_000 && rows / then.max(1) >= 10 => Some(format!(
            "its lists were made when the table had {then} rows; it has {rows} now"
        )),
        None if fitting / lists.max(1) >= 10 => {
            Some(format!("it has {lists} lists; {rows} rows want {fitting}"))
        }
        _ => None,
    }
}

/// Whether most of an ivfflat index's rows came after its lists were made: it was built over less than a
/// tenth of them, or over fewer than it has lists.
pub fn loaded_since(lists: u32, built_rows: Option<u64>, rows: u64) -> bool {
    built_rows
        .is_some_and(|then| rows > then && (rows / then.max(1) >= 10 || then < u64::from(lists)))
        || outgrown(lists, built_rows, rows).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::vectors::Target;

    fn declared() -> VectorIndex {
        VectorIndex {
            name: Name::new("app", "i").unwrap(),
            table: Name::new("app", "t").unwrap(),
            target: Target::Column("e".into()),
            method: Method::Hnsw {
                m: 16,
                ef_construction: 200,
                ef_search: 40,
            },
            opclass: "vector_cosine_ops".into(),
            predicate: None,
            recall_floor: None,
            span: 0..0,
        }
    }

    fn wanted() -> Wanted {
        Wanted {
            key: "e".into(),
            predicate: None,
            dims: Some(768),
        }
    }

    fn found() -> Found {
        Found {
            table: Name::new("app", "t").unwrap(),
            method: "hnsw".into(),
            opclass: "vector_cosine_ops".into(),
            options: vec!["m=16".into(), "ef_construction=200".into()],
            key: "e".into(),
            predicate: None,
            dims: Some(768),
            built: None,
        }
    }

    #[test]
    fn an_index_as_declared_has_no_difference() {
        assert!(differences(&declared(), &wanted(), &found()).is_empty());
        let default = Found {
            options: vec!["ef_construction=200".into()],
            ..found()
        };
        assert!(differences(&declared(), &wanted(), &default).is_empty());
    }

    #[test]
    fn every_property_that_differs_is_told() {
        type Change = fn(&mut Found);
        let changes: [(&str, Change); 7] = [
            ("operator class", |f| f.opclass = "vector_l2_ops".into()),
            ("key", |f| f.key = "f".into()),
            ("predicate", |f| f.predicate = Some("a > 0".into())),
            ("dimensions", |f| f.dims = Some(3)),
            ("m is 8", |f| {
                f.options = vec!["m=8".into(), "ef_construction=200".into()]
            }),
            ("ef_construction is 64", |f| f.options = vec!["m=16".into()]),
            ("built with m 8", |f| {
                f.built = Some(Built::Hnsw {
                    m: 8,
                    ef_construction: 200,
                });
            }),
        ];
        for (word, change) in changes {
            let mut found = found();
            change(&mut found);
            let told = differences(&declared(), &wanted(), &found);
            assert!(
                told.len() == 1 && told[0].contains(word),
                "{word}: {told:?}"
            );
        }
    }

    #[test]
    fn the_first_page_tells_what_an_index_was_built_with() {
        let mut page = vec![0; 24];
        page.extend(0xA953_A953_u32.to_le_bytes());
        page.extend(1_u32.to_le_bytes());
        page.extend(768_u32.to_le_bytes());
        page.extend(16_u16.to_le_bytes());
        page.extend(200_u16.to_le_bytes());
        let built = Built::Hnsw {
            m: 16,
            ef_construction: 200,
        };
        assert_eq!(Built::read(&page), Some(built));
        assert_eq!(Built::read(&[0; 8192]), None);
        assert_eq!(Built::read(&[]), None);
    }

    #[test]
    fn lists_are_made_again_once_there_are_rows_to_make_them_from() {
        assert!(loaded_since(100, Some(0), 3));
        assert!(!loaded_since(100, Some(3), 3));
        assert!(loaded_since(100, Some(99), 150));
        assert!(!loaded_since(100, Some(1_000), 9_999));
        assert!(loaded_since(100, Some(1_000), 10_000));
        assert!(!loaded_since(100, None, 10_000));
    }

    #[test]
    fn an_ivfflat_index_is_outgrown_by_ten_times_its_rows() {
        assert!(outgrown(1, Some(0), 5_000).is_some());
        assert!(outgrown(1, Some(4_000), 5_000).is_none());
        assert!(outgrown(100, None, 30_000).is_none());
        assert!(outgrown(1, None, 30_000).is_some());
    }
}
