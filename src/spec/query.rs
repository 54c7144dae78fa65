//! `graph/queries/*.cypher` and `*.sql`: the queries a graph exists for, with what they promise.
//!
//! A file opens with comment lines `name:`, `about:`, `constants:`, `parameters:`, `columns:`, `writes:`
//! and `uses_index:`. A line of `about` goes on in the next when that is indented. The first comment
//! line of another form ends the header.

use std::ops::Range;

use self::header::{Part, header, items, marker};
use self::value::{about, column, constant, parameter};
use super::document::{Document, nearest};
use super::ontology::{LabelKind, Ontology};
use crate::failure::{Failure, Result};

mod body;
mod header;
mod value;

/// One query.
#[derive(Debug, Clone)]
pub struct Query {
    /// The file.
    pub document: Document,
    /// The name, which is the file's too.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The language, by the file's ending.
    pub language: Language,
    /// Labels that are put into the text at `{name}`, after they were looked up in the ontology.
    pub constants: Vec<Constant>,
    /// The values it is called with, in order.
    pub parameters: Vec<Parameter>,
    /// The columns of its rows, in order.
    pub columns: Vec<Column>,
    /// The labels it writes to, or `{constant}`; empty: it only reads.
    pub writes: Vec<Mention>,
    /// The indexes its plan must use; empty: it needs none.
    pub uses_index: Vec<Mention>,
    /// Where the query itself is, comments after the header included. Units: bytes.
    pub body: Range<usize>,
}

impl Query {
    /// The query itself, without its header.
    pub fn text(&self) -> &str {
        &self.document.text[self.body.clone()]
    }

    /// The query with its constants put in. The labels must come from the ontology: they are not quoted.
    pub fn with_constants(&self, label: impl Fn(&Constant) -> String) -> String {
        self.constants
            .iter()
            .fold(self.text().to_owned(), |text, constant| {
                text.replace(&format!("{{{}}}", constant.name), &label(constant))
            })
    }
}

/// In what a query is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// AGE's Cypher: the text goes into `cypher(graph, $$ … $$, $1)`; parameters are `$name`.
    Cypher,
    /// SQL over the label tables; parameters are `$1`, `$2`, ….
    Sql,
}

/// A label that is chosen by the caller, from the ontology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// The name, which stands in braces in the text.
    pub name: String,
    /// Which labels it may be.
    pub kind: LabelKind,
    /// A label to try the query with.
    pub example: String,
    /// The example's place. Units: bytes.
    pub span: Range<usize>,
}

/// A value that a query is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The type: of the ontology for Cypher, of SQL for SQL.
    pub kind: String,
    /// It may be missing (Cypher) or NULL (SQL).
    pub optional: bool,
    /// Its place. Units: bytes.
    pub span: Range<usize>,
}

/// A column of a query's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The SQL type.
    pub kind: String,
}

/// A word that names something elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The word.
    pub word: String,
    /// Its place. Units: bytes.
    pub span: Range<usize>,
}

/// Reads the files of `graph/queries/`. Files of another ending are an error, hidden and `.md` files are
/// passed over.
///
/// # Shape
/// In the order given; each name once.
///
/// # Errors
/// Exit 2 with file, line and column: a key that is unknown, missing or given twice, a value of another
/// form, a parameter that is not declared or not used, a name that is not the file's.
pub fn queries(documents: &[Document]) -> Result<Vec<Query>> {
    let mut queries: Vec<Query> = Vec::new();
    for document in documents {
        let file = document.path.rsplit('/').next().unwrap_or(&document.path);
        if file.starts_with('.') || file.ends_with(".md") {
            continue;
        }
        let (stem, language) = match file.rsplit_once('.') {
            Some((stem, "cypher")) => (stem, Language::Cypher),
            Some((stem, "sql")) => (stem, Language::Sql),
            _ => {
                return Err(Failure::usage(format!(
                    "\"{}\" is not named like a query",
                    document.path
                ))
                .detail("A query is named <name>.cypher or <name>.sql."));
            }
        };
        let query = query(document, stem, language)?;
        if let Some(other) = queries.iter().find(|other| other.name == query.name) {
            return Err(
                Failure::usage(format!("query \"{}\" was given twice", query.name)).detail(
                    format!("\"{}\" and \"{}\".", other.document.path, document.path),
                ),
            );
        }
        queries.push(query);
    }
    Ok(queries)
}

fn query(document: &Document, stem: &str, language: Language) -> Result<Query> {
    let (values, body) = header(document, language)?;
    let value = |key: &str| {
        values.get(key).cloned().ok_or_else(|| {
            document
                .failure(0..0, format!("\"{}\" has no `{key}:`", document.path))
                .hint(format!(
                    "Add to the comments at its top: {} {key}: …",
                    marker(language)
                ))
        })
    };
    let name = value("name")?;
    if name.text != stem {
        return Err(document.failure(
            name.span,
            format!("query \"{}\" is in a file named \"{stem}\"", name.text),
        ));
    }
    let about = about(document, language, &value("about")?);
    let constants = match values.get("constants") {
        None => Vec::new(),
        Some(list) => items(list, "none")
            .into_iter()
            .map(|part| constant(document, &part))
            .collect::<Result<_>>()?,
    };
    let parameters = items(&value("parameters")?, "none")
        .iter()
        .enumerate()
        .map(|(at, part)| parameter(document, language, at + 1, part))
        .collect::<Result<Vec<_>>>()?;
    let columns = items(&value("columns")?, "none")
        .iter()
        .map(|part| column(document, part))
        .collect::<Result<_>>()?;
    let mentions = |list: &Part<'_>, none: &str| {
        items(list, none)
            .into_iter()
            .map(|part| Mention {
                word: part.text.to_owned(),
                span: part.span,
            })
            .collect()
    };
    let query = Query {
        document: document.clone(),
        name: name.text.to_owned(),
        about,
        language,
        constants,
        parameters,
        columns,
        writes: mentions(&value("writes")?, "nothing"),
        uses_index: mentions(&value("uses_index")?, "none"),
        body,
    };
    body::check(&query)?;
    Ok(query)
}

/// Checks labels and indexes that queries name against the ontology.
///
/// # Errors
/// Exit 2 with the place of the first label or index that the ontology does not have.
pub fn check_against(queries: &[Query], ontology: &Ontology) -> Result<()> {
    let indexes = ontology.indexes();
    for query in queries {
        let missing = |span: &Range<usize>, what: &str, word: &str, known: Vec<&str>| {
            let failure = query.document.failure(
                span.clone(),
                format!("{what} \"{word}\" is not in the ontology"),
            );
            match nearest(word, known) {
                Some(near) => failure.hint(format!("Did you mean `{near}`?")),
                None => failure,
            }
        };
        let labels = |kind: Option<LabelKind>| -> Vec<&str> {
            let wanted = ontology
                .labels
                .iter()
                .filter(|label| kind.is_none_or(|kind| label.kind == kind));
            wanted.map(|label| label.name.as_str()).collect()
        };
        for constant in &query.constants {
            let known = labels(Some(constant.kind));
            if !known.contains(&constant.example.as_str()) {
                return Err(missing(&constant.span, "label", &constant.example, known));
            }
        }
        for written in &query.writes {
            let is_constant = query
                .constants
                .iter()
                .any(|constant| written.word == format!("{{{}}}", constant.name));
            if !is_constant && ontology.label(&written.word).is_none() {
                return Err(missing(&written.span, "label", &written.word, labels(None)));
            }
        }
        for used in &query.uses_index {
            if indexes.iter().all(|index| index.name != used.word) {
                let known = indexes.iter().map(|index| index.name.as_str()).collect();
                return Err(missing(&used.span, "index", &used.word, known));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
