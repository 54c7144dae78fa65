//! The statement that runs a query of `graph/queries/`, or one that somebody writes at the moment.
//!
//! Values are parameters and never part of the text: for Cypher one agtype map, which AGE takes only as
//! a bare parameter; for SQL one text each, cast to its declared type.

use super::cypher;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::spec::query::{Language, Query};
use crate::sql::token::{Kind, tokens};

/// A query that is ready to run.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// In what it is written.
    pub language: Language,
    /// Its text, constants put in.
    pub text: String,
    /// Parameters in order: name, and the type that the value is read as.
    pub parameters: Vec<(String, String)>,
    /// Columns in order: name and SQL type. Empty for SQL whose columns only the server knows.
    pub columns: Vec<(String, String)>,
    /// It writes.
    pub writes: bool,
}

impl Runnable {
    /// A declared query with its constants' labels, which were looked up in the ontology.
    pub fn declared(
        query: &Query,
        label: impl Fn(&crate::spec::query::Constant) -> String,
    ) -> Self {
        let pair = |name: &String, kind: &String| (name.clone(), kind.clone());
        Self {
            language: query.language,
            text: query.with_constants(label),
            parameters: query
                .parameters
                .iter()
                .map(|p| pair(&p.name, &p.kind))
                .collect(),
            columns: query
                .columns
                .iter()
                .map(|c| pair(&c.name, &c.kind))
                .collect(),
            writes: !query.writes.is_empty(),
        }
    }

    /// A query that is written at the moment; Cypher's columns are those of its RETURN.
    pub fn ad_hoc(language: Language, text: &str, parameters: &[String], writes: bool) -> Self {
        let columns = match language {
            Language::Cypher => cypher::columns(text),
            Language::Sql => Vec::new(),
        };
        Self {
            language,
            text: text.to_owned(),
            parameters: parameters
                .iter()
                .map(|name| (name.clone(), "agtype".to_owned()))
                .collect(),
            columns: columns
                .into_iter()
                .map(|name| (name, "agtype".to_owned()))
                .collect(),
            writes,
        }
    }

    /// The statement as the server takes it, without a form for its rows: for EXPLAIN.
    ///
    /// # Errors
    /// Exit 2 for a NUL byte.
    pub fn statement(&self, graph: &str) -> Result<String> {
        match self.language {
            Language::Sql => Ok(self.sql()),
            Language::Cypher => self.cypher(graph, "*"),
        }
    }

    /// The statement whose rows are texts: agtype in its own form, NULL as NULL.
    ///
    /// # Errors
    /// Exit 2 for a NUL byte.
    pub fn as_texts(&self, graph: &str) -> Result<String> {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| {
                let name = quote_ident(name);
                format!("CASE WHEN {name} IS NULL THEN NULL ELSE pg_catalog.format('%s', {name}) END AS {name}")
            })
            .collect();
        let columns = if columns.is_empty() {
            "NULL::text".to_owned()
        } else {
            columns.join(", ")
        };
        match self.language {
            Language::Cypher => self.cypher(graph, &columns),
            Language::Sql => Ok(format!(
                "WITH edu_query AS (\n{}\n) SELECT {columns} FROM edu_query",
                self.sql()
            )),
        }
    }

    fn cypher(&self, graph: &str, columns: &str) -> Result<String> {
        let tag = ["$edu$", "$edu_query$", "$edu_query_text$"]
            .into_iter()
            .find(|tag| !self.text.contains(*tag))
            .ok_or_else(|| Failure::usage("the query's text has every quote that edu knows"))?;
        let list: Vec<String> = self
            .columns
            .iter()
            .map(|(name, kind)| {
                format!(
                    "{} {}",
                    quote_ident(name),
                    if kind == "agtype" {
                        "ag_catalog.agtype"
                    } else {
                        kind
                    }
                )
            })
            .collect();
        let list = if list.is_empty() {
            "nothing ag_catalog.agtype".to_owned()
        } else {
            list.join(", ")
        };
        let parameter = if self.parameters.is_empty() {
            ""
        } else {
            ", $1"
        };
        Ok(format!(
            "SELECT {columns} FROM ag_catalog.cypher({}, {tag}{}{tag}{parameter}) AS ({list})",
            quote_literal(graph)?,
            self.text
        ))
    }

    /// The SQL text with each `$n` cast from text to its declared type.
    fn sql(&self) -> String {
        let mut out = String::new();
        let mut at = 0;
        for token in tokens(&self.text).filter(|token| token.kind == Kind::Value) {
            let word = &self.text[token.span.clone()];
            let number = word
                .strip_prefix('$')
                .and_then(|number| number.parse::<usize>().ok());
            let Some((_, kind)) = number.and_then(|number| self.parameters.get(number - 1)) else {
                continue;
            };
            out.push_str(&self.text[at..token.span.start]);
            match kind.as_str() {
                "agtype" => out.push_str(word),
                kind => out.push_str(&format!("CAST({word}::text AS {kind})")),
            }
            at = token.span.end;
        }
        out.push_str(&self.text[at..]);
        out.trim_end().trim_end_matches(';').to_owned()
    }
}

/// A value of agtype's text form as JSON; what is no JSON stays a text. The marks behind vertices, edges,
/// paths and numerics are taken off.
pub fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(&unmarked(text)).unwrap_or_else(|_| serde_json::Value::from(text))
}

/// The text without `::vertex` and its like outside of quotes.
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        if !inside
            && let Some(mark) = ["::vertex", "::edge", "::path", "::numeric"]
                .iter()
                .find(|mark| rest.starts_with(**mark))
        {
            rest = &rest[mark.len()..];
            continue;
        }
        let mut length = c.len_utf8();
        if inside && c == '\\' {
            length += rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if c == '"' {
            inside = !inside;
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_agtype_are_taken_off_outside_of_texts_alone() {
        let value = json(
            "[{\"id\": 1, \"properties\": {\"a\": \"x::vertex \\\"\"}}::vertex, 1.5::numeric]::path",
        );
        assert_eq!(
            value,
            serde_json::json!([{"id": 1, "properties": {"a": "x::vertex \""}}, 1.5])
        );
        assert_eq!(json("plain"), serde_json::json!("plain"));
    }

    #[test]
    fn a_sql_parameter_is_cast_and_an_agtype_one_stays_bare() {
        let query = Runnable {
            language: Language::Sql,
            text: "SELECT $1, '$1', $2 ;\n".into(),
            parameters: vec![("a".into(), "uuid".into()), ("b".into(), "agtype".into())],
            columns: Vec::new(),
            writes: false,
        };
        assert_eq!(query.sql(), "SELECT CAST($1::text AS uuid), '$1', $2 ");
    }
}
