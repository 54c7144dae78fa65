//! Vertices and edges as lines of text: what `load` reads and `dump` writes.
//!
//! NDJSON is one object per line: `{"label": …, "properties": {…}}` for a vertex, and with
//! `"from": {"label": …, "id": …}` and `"to"` for an edge; "id" is the value of the label's unique
//! property. CSV is one label per file: a heading with the properties' names, `from` and `to` for edges.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spec::ontology::{IndexKind, Label, LabelKind, Ontology, PropertyKind, Scalar};

/// One vertex or edge.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its label.
    pub label: String,
    /// An edge's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<End>,
    /// An edge's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<End>,
    /// Its properties.
    pub properties: Map<String, Value>,
}

/// The vertex at one end of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its label.
    pub label: String,
    /// The value of the label's unique property.
    pub id: String,
}

/// The property that tells the vertices of a label apart: its unique index has no other.
pub fn key(label: &Label) -> Option<&str> {
    let unique = label.listed.iter().find(|index| {
        index.unique && index.kind == IndexKind::Where && index.properties.len() == 1
    })?;
    unique.properties.first().map(String::as_str)
}

/// Fills in defaults and the tenant, then checks labels, ends and properties.
///
/// # Errors
/// A sentence that says what is wrong, worded to follow a line's number.
pub fn complete(item: &mut Item, ontology: &Ontology, tenant: Option<&str>) -> Result<(), String> {
    let label = ontology
        .label(&item.label)
        .ok_or_else(|| format!("label \"{}\" is not in the ontology", item.label))?;
    for property in &label.properties {
        if let (None, Some(default)) = (item.properties.get(&property.name), &property.default) {
            item.properties
                .insert(property.name.clone(), default.clone());
        }
    }
    if let Some(tenant) = tenant {
        let own = item
            .properties
            .entry(ontology.tenant_property.clone())
            .or_insert_with(|| Value::from(tenant));
        if own.as_str() != Some(tenant) {
            return Err(format!(
                "{} is {own}, not {tenant}",
                ontology.tenant_property
            ));
        }
    }
    match (label.kind, &item.from, &item.to) {
        (LabelKind::Vertex, None, None) => {}
        (LabelKind::Vertex, ..) => {
            return Err(format!(
                "\"{}\" is a vertex label and has no ends",
                item.label
            ));
        }
        (LabelKind::Edge, Some(from), Some(to)) => {
            for (end, allowed, word) in [(from, &label.from, "starts"), (to, &label.to, "ends")] {
                let known = ontology
                    .label(&end.label)
                    .is_some_and(|label| label.kind == LabelKind::Vertex);
                if !known || !(allowed.is_empty() || allowed.contains(&end.label)) {
                    return Err(format!(
                        "an edge of \"{}\" {word} at no \"{}\"",
                        item.label, end.label
                    ));
                }
            }
        }
        (LabelKind::Edge, ..) => {
            return Err(format!("an edge of \"{}\" needs from and to", item.label));
        }
    }
    match label.refusal(&item.properties) {
        None => Ok(()),
        Some((property, reason)) => Err(format!("property \"{property}\" {reason}")),
    }
}

/// Reads one line of NDJSON.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn from_json(line: &str) -> Result<Item, String> {
    serde_json::from_str(line).map_err(|error| format!("it is no vertex and no edge: {error}"))
}

/// What a CSV file is about.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The label of every row.
    pub label: Label,
    /// The label of edges' starts and ends.
    pub ends: Option<(String, String)>,
    /// The heading.
    pub columns: Vec<String>,
}

/// Reads one row of CSV. An empty field that is not quoted is no property at all.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn from_csv(sheet: &Sheet, line: &str) -> Result<Item, String> {
    let fields = fields(line)?;
    if fields.len() != sheet.columns.len() {
        return Err(format!(
            "it has {} fields, the heading has {}",
            fields.len(),
            sheet.columns.len()
        ));
    }
    let mut item = Item {
        label: sheet.label.name.clone(),
        from: None,
        to: None,
        properties: Map::new(),
    };
    for (column, field) in sheet.columns.iter().zip(fields) {
        let Some(text) = field else { continue };
        match (column.as_str(), &sheet.ends) {
            ("from", Some((label, _))) => {
                item.from = Some(End {
                    label: label.clone(),
                    id: text,
                })
            }
            ("to", Some((_, label))) => {
                item.to = Some(End {
                    label: label.clone(),
                    id: text,
                })
            }
            (column, _) => {
                item.properties
                    .insert(column.to_owned(), typed(&sheet.label, column, text)?);
            }
        }
    }
    Ok(item)
}

fn typed(label: &Label, column: &str, text: String) -> Result<Value, String> {
    let kind = label.property(column).map(|property| property.kind);
    let json = matches!(
        kind,
        Some(
            PropertyKind::Array(_) | PropertyKind::One(Scalar::Int | Scalar::Float | Scalar::Bool)
        )
    );
    if !json {
        return Ok(Value::from(text));
    }
    serde_json::from_str(&text).map_err(|_| format!("property \"{column}\" is {text:?}"))
}

/// The fields of one line of CSV; `None` for an empty one without quotes.
///
/// # Errors
/// A sentence, for a quote that is never closed.
pub fn fields(line: &str) -> Result<Vec<Option<String>>, String> {
    let mut fields = Vec::new();
    let mut rest = line.trim_end_matches(['\r', '\n']);
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut text = String::new();
            let mut chars = quoted.char_indices().peekable();
            let end = loop {
                match chars.next() {
                    None => {
                        return Err(
                            "a quote is never closed; a field may not hold a line break".to_owned()
                        );
                    }
                    Some((_, '"')) if chars.peek().is_some_and(|(_, c)| *c == '"') => {
                        chars.next();
                        text.push('"');
                    }
                    Some((at, '"')) => break at + 1,
                    Some((_, c)) => text.push(c),
                }
            };
            fields.push(Some(text));
            rest = &quoted[end..];
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            fields.push((end > 0).then(|| rest[..end].to_owned()));
            rest = &rest[end..];
        }
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(fields),
            None => return Err("something follows a closed quote".to_owned()),
        }
    }
}

/// What is written here becomes part of a field of COPY's text format.
struct Field<'a>(&'a mut Vec<u8>);

impl std::io::Write for Field<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = rest
            .iter()
            .position(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r'))
        {
            self.0.extend_from_slice(&rest[..at]);
            self.0.extend_from_slice(match rest[at] {
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                _ => b"\\\\",
            });
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A value as JSON, as a field of COPY's text format.
fn copy_field(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), String> {
    serde_json::to_writer(Field(out), value).map_err(|error| error.to_string())
}

/// Rows of one label, as COPY takes them.
#[derive(Debug, Clone, Default)]
pub struct Sheaf {
    /// The label.
    pub label: String,
    /// For edges: the labels of their starts and ends.
    pub ends: Option<(String, String)>,
    /// The rows. Columns: the ids of start and end for edges, then the properties; all of them JSON.
    pub rows: Vec<u8>,
    /// How many.
    pub count: u64,
}

/// What one transaction brings in.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The first line of the file that belongs to it.
    pub first: u64,
    /// How many lines it takes, empty ones too.
    pub lines: u64,
    /// SHA-256 of those lines, in hexadecimal digits.
    pub digest: String,
    /// The rows, by label.
    pub sheaves: Vec<Sheaf>,
}

impl Batch {
    /// Takes an item in. It was checked.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn add(&mut self, item: &Item) -> Result<(), String> {
        let ends = item.from.as_ref().zip(item.to.as_ref());
        let same = |sheaf: &Sheaf| {
            let theirs = sheaf
                .ends
                .as_ref()
                .map(|(from, to)| (from.as_str(), to.as_str()));
            sheaf.label == item.label
                && theirs == ends.map(|(from, to)| (from.label.as_str(), to.label.as_str()))
        };
        let at = self.sheaves.iter().position(same).unwrap_or_else(|| {
            self.sheaves.push(Sheaf {
                label: item.label.clone(),
                ends: ends.map(|(from, to)| (from.label.clone(), to.label.clone())),
                ..Sheaf::default()
            });
            self.sheaves.len() - 1
        });
        let sheaf = &mut self.sheaves[at];
        for end in ends.into_iter().flat_map(|(from, to)| [from, to]) {
            copy_field(&mut sheaf.rows, &end.id)?;
            sheaf.rows.push(b'\t');
        }
        copy_field(&mut sheaf.rows, &item.properties)?;
        sheaf.rows.push(b'\n');
        sheaf.count += 1;
        Ok(())
    }

    /// How many vertices and edges it holds.
    pub fn items(&self) -> u64 {
        self.sheaves.iter().map(|sheaf| sheaf.count).sum()
    }

    /// Whether it holds edges.
    pub fn has_edges(&self) -> bool {
        self.sheaves.iter().any(|sheaf| sheaf.ends.is_some())
    }

    /// Whether it holds vertices.
    pub fn has_vertices(&self) -> bool {
        self.sheaves.iter().any(|sheaf| sheaf.ends.is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn fields_of_csv_keep_quotes_commas_and_the_difference_between_empty_and_absent() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            fields("a,\"b, \"\"c\"\"\",,\"\"\r\n").unwrap(),
            [some("a"), some("b, \"c\""), None, some("")]
        );
        assert!(fields("\"a").is_err() && fields("\"a\"b").is_err());
    }

    #[test]
    fn a_field_of_copy_hides_what_would_end_it() {
        let mut out = Vec::new();
        copy_field(&mut out, &"a\tb\\n\n").unwrap();
        assert_eq!(out, b"\"a\\\\tb\\\\\\\\n\\\\n\"");
        Field(&mut out).write_all(b"\t").unwrap();
        assert!(out.ends_with(b"\\t"));
    }

    #[test]
    fn a_batch_keeps_rows_of_one_label_and_one_pair_of_ends_together() {
        let vertex = |id: &str| format!("{{\"label\":\"V\",\"properties\":{{\"id\":\"{id}\"}}}}");
        let edge = |to: &str| {
            format!(
                "{{\"label\":\"E\",\"from\":{{\"label\":\"V\",\"id\":\"1\"}},\"to\":{{\"label\":\"{to}\",\"id\":\"2\"}},\"properties\":{{}}}}"
            )
        };
        let mut batch = Batch::default();
        for line in [vertex("1"), edge("V"), vertex("2"), edge("W"), edge("V")] {
            batch.add(&from_json(&line).unwrap()).unwrap();
        }
        assert_eq!(batch.items(), 5);
        let rows: Vec<(&str, &[u8])> = batch
            .sheaves
            .iter()
            .map(|sheaf| (sheaf.label.as_str(), sheaf.rows.as_slice()))
            .collect();
        assert_eq!(
            rows,
            [
                ("V", &b"{\"id\":\"1\"}\n{\"id\":\"2\"}\n"[..]),
                ("E", b"\"1\"\t\"2\"\t{}\n\"1\"\t\"2\"\t{}\n"),
                ("E", b"\"1\"\t\"2\"\t{}\n"),
            ]
        );
    }
}
