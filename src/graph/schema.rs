//! Property schemas as conditions that the server can prove: constraints, and the rules of
//! `edu db graph check`.
//!
//! They say what [`crate::spec::property`] says of a JSON value, in SQL. A value is looked at twice:
//! in agtype's text form, whose first character gives its type away, and as plain text. No version of
//! AGE lets Cypher pass a constraint, although triggers and foreign keys are passed by.

use super::expression::{double, text_of, written_of};
use crate::catalog::name::quote_literal;
use crate::failure::Result;
use crate::spec::ontology::{Label, Property, PropertyKind, Scalar, fitted};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// The property may not be missing.
    Required,
    /// The value has the declared type.
    Type,
    /// The text is one of the declared words.
    Enum,
    /// The number lies within the declared bounds.
    Range,
    /// The text or array is long enough.
    Length,
    /// No property beyond the declared ones.
    Unknown,
}

/// One condition that every vertex or edge of a label keeps.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The property; empty for [`RuleKind::Unknown`].
    pub property: String,
    /// What it is about.
    pub kind: RuleKind,
    /// Never NULL, never an error, whatever the map holds.
    pub condition: String,
}

/// A constraint of a label table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name, as the catalog spells it.
    pub name: String,
    /// The condition, as the server writes it back.
    pub condition: String,
}

/// What every constraint on properties is called at the start.
pub const PREFIX: &str = "edu_p_";

/// The constraint that admits declared properties alone.
pub const KEYS: &str = "edu_keys";

const NUMBER: &str = r"'^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$'";
const UUID: &str = "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}";
const URL: &str = "^[A-Za-z][A-Za-z0-9+.-]*://[^/[:space:][:cntrl:]][^[:space:][:cntrl:]]*$";
const DATETIME: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// The constraints of a label: one per property, and one for its keys unless the label is free.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn checks(label: &Label) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for property in &label.properties {
        let conditions: Vec<String> = rules_of(property)?
            .into_iter()
            .filter(|rule| rule.kind != RuleKind::Required)
            .map(|rule| rule.condition)
            .collect();
        let text = text_of(&property.name)?;
        let all = conditions.join(" AND ");
        let condition = if property.required {
            format!("({text} IS NOT NULL) AND {all}")
        } else {
            format!("({text} IS NULL) OR ({all})")
        };
        checks.push(Check {
            name: fitted(format!("{PREFIX}{}", property.name)),
            condition,
        });
    }
    if let Some(rule) = unknown(label)? {
        checks.push(Check {
            name: KEYS.to_owned(),
            condition: rule.condition,
        });
    }
    Ok(checks)
}

/// The rules of a label, one by one, so that a report can say which of them a row breaks. A rule on a
/// property that is missing holds, but for [`RuleKind::Required`].
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn rules(label: &Label) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for property in &label.properties {
        let text = text_of(&property.name)?;
        for rule in rules_of(property)? {
            let condition = match rule.kind {
                RuleKind::Required => rule.condition,
                _ => format!("({text} IS NULL) OR ({})", rule.condition),
            };
            rules.push(Rule { condition, ..rule });
        }
    }
    rules.extend(unknown(label)?);
    Ok(rules)
}

fn rules_of(property: &Property) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    let mut add = |kind, condition: String| {
        rules.push(Rule {
            property: property.name.clone(),
            kind,
            condition,
        });
    };
    let text = text_of(&property.name)?;
    let written = written_of(&property.name)?;
    if property.required {
        add(RuleKind::Required, format!("({text} IS NOT NULL)"));
    }
    match property.kind {
        PropertyKind::One(kind) => {
            add(RuleKind::Type, one(kind, &text, &written));
            if !property.one_of.is_empty() {
                let words = words(&property.one_of)?;
                add(RuleKind::Enum, format!("({text} = ANY (ARRAY[{words}]))"));
            }
            if let Some(range) = range(property, &text) {
                let range =
                    format!("CASE WHEN ({written} ~ {NUMBER}::text) THEN {range} ELSE false END");
                add(RuleKind::Range, range);
            }
            if let Some(least) = property.min_length {
                add(
                    RuleKind::Length,
                    format!("(char_length({text}) >= {least})"),
                );
            }
        }
        PropertyKind::Array(kind) => {
            let array = |condition: String| {
                format!("CASE WHEN ({written} ~~ '[%'::text) THEN {condition} ELSE false END")
            };
            let json = format!("({written})::jsonb");
            add(RuleKind::Type, array(elements(kind, &json)));
            if !property.one_of.is_empty() {
                let words = words(&property.one_of)?;
                add(
                    RuleKind::Enum,
                    array(format!("({json} <@ to_jsonb(ARRAY[{words}]))")),
                );
            }
            if let Some(least) = property.min_length {
                add(
                    RuleKind::Length,
                    array(format!("(jsonb_array_length({json}) >= {least})")),
                );
            }
        }
    }
    Ok(rules)
}

fn one(kind: Scalar, text: &str, written: &str) -> String {
    let is_text = format!("({written} ~~ '\"%'::text)");
    match kind {
        Scalar::String => is_text,
        Scalar::Uuid => {
            // Several times cheaper than a pattern; the length keeps the server's other spellings out.
            format!(
                "({written} ~~ '\"%'::text) AND (char_length({text}) = 36) AND pg_input_is_valid({text}, 'uuid'::text)"
            )
        }
        Scalar::Int => format!("({written} ~ '^-?[0-9]+$'::text)"),
        Scalar::Float => format!("({written} ~ {NUMBER}::text)"),
        Scalar::Bool => format!("({written} = ANY (ARRAY['true'::text, 'false'::text]))"),
        Scalar::Url => format!("{is_text} AND ({text} ~ '{URL}'::text)"),
        Scalar::Datetime => format!("{is_text} AND ({text} ~ '{DATETIME}'::text)"),
    }
}

/// Whether every element of an array has the type. The path is strict: a lax one would look into
/// arrays within the array.
fn elements(kind: Scalar, json: &str) -> String {
    let is = |name: &str| format!("@.type() != \"{name}\"");
    let like = |pattern: &str| format!("@.type() != \"string\" || !(@ like_regex \"{pattern}\")");
    let wrong = match kind {
        Scalar::String => is("string"),
        Scalar::Float => is("number"),
        Scalar::Bool => is("boolean"),
        Scalar::Int => "@.type() != \"number\" || @.floor() != @".to_owned(),
        Scalar::Uuid => like(&format!("^{UUID}$")),
        Scalar::Url => like(URL),
        Scalar::Datetime => like(DATETIME),
    };
    format!("(NOT jsonb_path_exists({json}, ('strict $[*] ? ({wrong})'::text)::jsonpath))")
}

fn range(property: &Property, text: &str) -> Option<String> {
    let number = format!("({text})::double precision");
    let bounds = [(property.min, ">="), (property.max, "<=")];
    let conditions: Vec<String> = bounds
        .into_iter()
        .filter_map(|(bound, sign)| Some(format!("({number} {sign} {})", double(bound?))))
        .collect();
    (!conditions.is_empty()).then(|| format!("({})", conditions.join(" AND ")))
}

fn words(list: &[String]) -> Result<String> {
    let quoted: Result<Vec<String>> = list
        .iter()
        .map(|word| Ok(format!("{}::text", quote_literal(word)?)))
        .collect();
    Ok(quoted?.join(", "))
}

fn unknown(label: &Label) -> Result<Option<Rule>> {
    if label.free {
        return Ok(None);
    }
    let names: Vec<String> = label
        .properties
        .iter()
        .map(|property| serde_json::Value::from(property.name.as_str()).to_string())
        .collect();
    let names = quote_literal(&format!("[{}]", names.join(", ")))?;
    Ok(Some(Rule {
        property: String::new(),
        kind: RuleKind::Unknown,
        condition: format!(
            "((properties OPERATOR(ag_catalog.-) {names}::ag_catalog.agtype) OPERATOR(ag_catalog.=) '{{}}'::ag_catalog.agtype)"
        ),
    }))
}
