//! What is wrong with a query by its text alone.
//!
//! Looks at Cypher's patterns token by token. SQL over label tables is looked at more coarsely: that it
//! names the tenant at all, and does nothing that is refused. Whether a query is really confined to its
//! tenant is proved by running it over a fixture with two.

use super::cypher::{Element, Token, elements, tokens};
use super::finding::Finding;
use crate::spec::ontology::{IndexKind, Isolation, Label, Ontology};
use crate::spec::query::{Language, Query};

/// Everything wrong with one declared query. Without a `version` what any version gets wrong counts.
///
/// # Shape
/// In the order of the text.
pub fn lint(query: &Query, ontology: &Ontology, version: Option<(u32, u32)>) -> Vec<Finding> {
    let mut lint = Lint {
        query,
        ontology,
        version,
        found: Vec::new(),
    };
    match query.language {
        Language::Cypher => lint.cypher(),
        Language::Sql => lint.sql(),
    }
    lint.found.sort_by_key(|(at, _)| *at);
    lint.found.into_iter().map(|(_, finding)| finding).collect()
}

struct Lint<'a> {
    query: &'a Query,
    ontology: &'a Ontology,
    version: Option<(u32, u32)>,
    found: Vec<(usize, Finding)>,
}

impl Lint<'_> {
    fn add(&mut self, id: &str, at: usize, message: impl Into<String>) {
        let from = self.query.body.start + at;
        let (line, column) = self.query.document.excerpt(from..from, "").position();
        let object = format!("{}:{line}:{column}", self.query.document.path);
        self.found.push((at, Finding::new(id, object, message)));
    }

    fn before(&self, version: (u32, u32)) -> bool {
        self.version.is_none_or(|this| this < version)
    }

    fn cypher(&mut self) {
        let text = self
            .query
            .with_constants(|constant| constant.example.clone());
        let tokens = tokens(&text);
        let elements = elements(&tokens);
        for (at, element) in elements.iter().enumerate() {
            self.pattern(element);
            self.bound(element, &elements[..at], &tokens);
            self.indexed(element, &tokens);
        }
        self.clauses(&tokens, &elements);
    }

    fn pattern(&mut self, element: &Element) {
        let at = element.span.start;
        if element.choice {
            self.add(
                "lint-label-alternation",
                at,
                "the pattern has a choice of labels",
            );
        }
        if element.path {
            let enforced = self.ontology.isolation == Isolation::Enforced;
            if enforced || element.unbounded {
                let kind = if element.unbounded {
                    "without an end"
                } else {
                    "of variable length"
                };
                self.add("lint-path", at, format!("the path is {kind}"));
            }
        } else if element.undirected && element.clause == "MATCH" {
            self.add("lint-undirected", at, "the edge has no direction");
        }
        if let Some(label) = &element.label
            && self.ontology.label(label).is_none()
        {
            self.add(
                "lint-unknown-label",
                at,
                format!("label \"{label}\" is not in the ontology"),
            );
        }
    }

    /// Whether a vertex or edge is bound to the tenant: in its map, by an earlier mention, or in WHERE.
    fn bound(&mut self, element: &Element, before: &[Element], tokens: &[Token<'_>]) {
        let tenant = self.ontology.tenant_property.as_str();
        let has = |element: &Element| element.keys.iter().any(|(key, _)| key == tenant);
        let variable = element.variable.as_deref();
        let earlier = variable.is_some()
            && before
                .iter()
                .any(|other| other.variable.as_deref() == variable);
        let compared = variable.is_some_and(|variable| compares(tokens, variable, tenant));
        if !(has(element) || earlier || compared) {
            let what = if element.edge { "edge" } else { "vertex" };
            self.add(
                "query-unbound",
                element.span.start,
                format!("the {what} does not name {tenant}"),
            );
        }
    }

    fn indexed(&mut self, element: &Element, tokens: &[Token<'_>]) {
        let Some(label) = element
            .label
            .as_deref()
            .and_then(|name| self.ontology.label(name))
        else {
            return;
        };
        if element.edge || element.clause != "MATCH" {
            return;
        }
        let at = element.span.start;
        if !element.keys.is_empty() && !has_index(label, IndexKind::Match, None) {
            self.add(
                "lint-match-index",
                at,
                format!("label \"{}\" has no match index", label.name),
            );
        }
        if !element.keys.is_empty() {
            return;
        }
        let Some(variable) = element.variable.as_deref() else {
            return;
        };
        let compared: Vec<String> = label
            .properties
            .iter()
            .map(|property| property.name.clone())
            .filter(|property| compares(tokens, variable, property))
            .collect();
        let served = compared
            .iter()
            .any(|property| has_index(label, IndexKind::Where, Some(property)));
        if let (false, Some(property)) = (served, compared.first()) {
            self.add(
                "lint-where-index",
                at,
                format!("no where index of \"{}\" serves {property}", label.name),
            );
        }
    }

    fn clauses(&mut self, tokens: &[Token<'_>], elements: &[Element]) {
        let merge = tokens.iter().position(|token| token.is("MERGE"));
        let fed = tokens
            .iter()
            .position(|token| token.is("UNWIND") || token.is("WITH"));
        if let (Some(merge), Some(fed)) = (merge, fed)
            && fed < merge
            && self.before((1, 6))
        {
            self.add(
                "lint-unwind-merge",
                tokens[merge].span.start,
                "MERGE stands behind UNWIND or WITH",
            );
        }
        let exists = tokens.iter().position(|token| token.is("exists"));
        if let Some(exists) = exists
            && self.before((1, 6))
            && elements
                .iter()
                .any(|element| element.path && element.span.start > tokens[exists].span.start)
        {
            self.add(
                "age-crash",
                tokens[exists].span.start,
                "exists() around a variable-length path ends the server before 1.6",
            );
        }
        let by_id = tokens.windows(5).position(|five| {
            five[0].is("id") && five[1].sign("(") && five[3].sign(")") && five[4].is("IN")
        });
        let optional = tokens.iter().any(|token| token.is("OPTIONAL"));
        if let (Some(by_id), true, false) = (
            by_id,
            optional,
            self.version.is_some_and(|version| version < (1, 7)),
        ) {
            self.add(
                "age-crash",
                tokens[by_id].span.start,
                "id(…) IN … with OPTIONAL MATCH ends the server of 1.8",
            );
        }
    }

    fn sql(&mut self) {
        let text = self.query.text();
        let upper = text.to_ascii_uppercase();
        if let Some(at) = upper.find("CONCURRENTLY") {
            self.add("lint-concurrently", at, "an index is built CONCURRENTLY");
        }
        if let Some(at) = ["age_vle", "age_shortest_path"]
            .iter()
            .find_map(|name| text.find(name))
        {
            self.add(
                "lint-path",
                at,
                "it calls a function that reads past policies",
            );
        }
        let graph = format!(
            "{}.",
            crate::catalog::name::quote_ident(&self.ontology.graph)
        );
        let tenant = format!("'{}'", self.ontology.tenant_property);
        if let (Some(at), false) = (text.find(&graph), text.contains(&tenant)) {
            self.add(
                "query-unbound",
                at,
                format!(
                    "it reads label tables and never names {}",
                    self.ontology.tenant_property
                ),
            );
        }
    }
}

fn has_index(label: &Label, kind: IndexKind, property: Option<&str>) -> bool {
    label.listed.iter().any(|index| {
        index.kind == kind
            && property
                .is_none_or(|property| index.properties.first().is_some_and(|p| p == property))
    })
}

/// Whether `variable.property` is compared for equality, order or membership somewhere.
fn compares(tokens: &[Token<'_>], variable: &str, property: &str) -> bool {
    tokens.windows(4).any(|four| {
        let read = four[0].text == variable && four[1].sign(".") && four[2].text == property;
        let compared = ["=", "<", ">", "<=", ">="]
            .iter()
            .any(|sign| four[3].sign(sign))
            || four[3].is("IN");
        read && compared
    })
}

#[cfg(test)]
mod tests;
