//! `spec/catalog.json`: the expected catalog, committed, so that production is verified without a
//! scratch server. The same catalog gives the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Catalog, Facets, Id, Kind};
use crate::failure::{Failure, Result};

/// The format's version; a file of another one is made anew.
const FORMAT: u32 = 2;

/// A catalog with what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The checksum of the spec it was made from.
    pub spec: String,
    /// The catalog; its server's major is in it.
    pub catalog: Catalog,
    /// Attempts to reach foreign rows that all failed, if they were made.
    pub isolation: Option<Isolation>,
}

/// Attempts to reach foreign rows on a database of one posture, all of which failed as promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The fingerprint of everything that decides who reaches which row.
    pub posture: String,
    /// The checksum of what was promised.
    pub promise: String,
    /// How many attempts were made.
    pub attempts: usize,
}

#[derive(Serialize, Deserialize)]
struct File<'a> {
    format: u32,
    spec: std::borrow::Cow<'a, str>,
    major: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    isolation: Option<Isolation>,
    /// Kind → what it belongs to → name → facets.
    objects: BTreeMap<Kind, BTreeMap<String, BTreeMap<String, Facets>>>,
}

impl Snapshot {
    /// The file's text.
    ///
    /// # Errors
    /// Exit 70 when it cannot be written as JSON.
    pub fn write(&self) -> Result<String> {
        let mut objects: BTreeMap<Kind, BTreeMap<String, BTreeMap<String, Facets>>> =
            BTreeMap::new();
        for (id, facets) in &self.catalog.objects {
            objects
                .entry(id.kind)
                .or_default()
                .entry(id.on.to_string())
                .or_default()
                .insert(id.name.to_string(), facets.clone());
        }
        let file = File {
            format: FORMAT,
            spec: self.spec.as_str().into(),
            major: self.catalog.major,
            isolation: self.isolation.clone(),
            objects,
        };
        let mut text = serde_json::to_string_pretty(&file)
            .map_err(|error| Failure::bug(format!("could not write the catalog: {error}")))?;
        text.push('\n');
        Ok(text)
    }

    /// Reads the file's text. Shape: nothing when it has another format.
    ///
    /// # Errors
    /// Exit 2 when it is not what `edu db snapshot` writes.
    pub fn read(text: &str) -> Result<Option<Self>> {
        let wrong = |error: serde_json::Error| {
            Failure::usage("spec/catalog.json could not be read")
                .detail(format!("{error}."))
                .hint("Make it anew: edu db snapshot")
        };
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        if serde_json::from_str::<Head>(text).map_err(wrong)?.format != FORMAT {
            return Ok(None);
        }
        let file: File<'_> = serde_json::from_str(text).map_err(wrong)?;
        let mut catalog = Catalog {
            major: file.major,
            ..Catalog::default()
        };
        for (kind, holders) in file.objects {
            for (on, objects) in holders {
                for (name, facets) in objects {
                    catalog
                        .objects
                        .insert(Id::new(kind, on.as_str(), name), facets);
                }
            }
        }
        Ok(Some(Self {
            spec: file.spec.into_owned(),
            catalog,
            isolation: file.isolation,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_back_as_it_was_written() {
        let mut catalog = Catalog {
            major: 17,
            ..Catalog::default()
        };
        let facets: Facets = serde_json::from_str(r#"{"type":"text","not_null":true}"#).unwrap();
        let id = Id::new(Kind::Column, "public.\"A b\"", "c");
        catalog.objects.insert(id, facets);
        let snapshot = Snapshot {
            spec: "ab".into(),
            catalog,
            isolation: Some(Isolation {
                posture: "cd".into(),
                promise: "ef".into(),
                attempts: 3,
            }),
        };
        let text = snapshot.write().unwrap();
        assert_eq!(Snapshot::read(&text).unwrap().unwrap(), snapshot);
        assert_eq!(snapshot.write().unwrap(), text);
    }
}
