//! Whether a value fits a property of the ontology.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ontology::{Label, Property, PropertyKind, Scalar};

impl Property {
    /// Why the value does not fit, worded to follow "a value that"; `None` when it fits.
    ///
    /// A missing property is not looked at here: see [`Label::refusal`].
    pub fn refusal(&self, value: &Value) -> Option<String> {
        match self.kind {
            PropertyKind::One(kind) => self.scalar_refusal(kind, value),
            PropertyKind::Array(kind) => {
                let Some(items) = value.as_array() else {
                    return Some("is no array".to_owned());
                };
                if self
                    .min_length
                    .is_some_and(|least| items.len() < least as usize)
                {
                    return Some(format!(
                        "has {} elements, fewer than {}",
                        items.len(),
                        self.min_length.unwrap_or(0)
                    ));
                }
                items
                    .iter()
                    .find_map(|item| kind_refusal(kind, item).or_else(|| self.word_refusal(item)))
            }
        }
    }

    fn scalar_refusal(&self, kind: Scalar, value: &Value) -> Option<String> {
        if let Some(reason) = kind_refusal(kind, value).or_else(|| self.word_refusal(value)) {
            return Some(reason);
        }
        if let Some(number) = value.as_f64() {
            if let Some(min) = self.min.filter(|min| number < *min) {
                return Some(format!("is {number}, below {min}"));
            }
            if let Some(max) = self.max.filter(|max| number > *max) {
                return Some(format!("is {number}, above {max}"));
            }
        }
        let least = self.min_length.unwrap_or(0) as usize;
        value
            .as_str()
            .map(|text| text.chars().count())
            .filter(|length| *length < least)
            .map(|length| format!("has {length} characters, fewer than {least}"))
    }

    fn word_refusal(&self, value: &Value) -> Option<String> {
        let word = value.as_str().filter(|_| !self.one_of.is_empty())?;
        let known = self.one_of.iter().any(|one| one == word);
        (!known).then(|| format!("is \"{word}\", none of {}", self.one_of.join(", ")))
    }
}

fn kind_refusal(kind: Scalar, value: &Value) -> Option<String> {
    let fits = match kind {
        Scalar::Uuid => value
            .as_str()
            .is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()),
        Scalar::String => value.is_string(),
        Scalar::Int => value.is_i64(),
        Scalar::Float => value.is_number(),
        Scalar::Bool => value.is_boolean(),
        Scalar::Url => value.as_str().is_some_and(is_url),
        Scalar::Datetime => value
            .as_str()
            .is_some_and(|text| OffsetDateTime::parse(text, &Rfc3339).is_ok()),
    };
    (!fits).then(|| format!("is no {}", kind.as_str()))
}

/// An absolute URL in outline: a scheme, `://`, a host, no spaces.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
            && !rest.is_empty()
            && !rest.starts_with('/')
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

impl Scalar {
    /// The word of `type` in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Url => "url",
            Self::Datetime => "datetime",
        }
    }
}

impl Label {
    /// Why a property map does not fit the label: the property and the reason; `None` when it fits.
    pub fn refusal(&self, map: &serde_json::Map<String, Value>) -> Option<(String, String)> {
        for property in &self.properties {
            let reason = match map.get(&property.name) {
                None | Some(Value::Null) if property.required => Some("is missing".to_owned()),
                None | Some(Value::Null) => None,
                Some(value) => property.refusal(value),
            };
            if let Some(reason) = reason {
                return Some((property.name.clone(), reason));
            }
        }
        map.keys()
            .find(|name| !self.free && self.property(name).is_none())
            .map(|name| (name.clone(), "is not declared".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn property(kind: PropertyKind) -> Property {
        Property {
            name: "p".into(),
            kind,
            required: false,
            default: None,
            one_of: Vec::new(),
            min: None,
            max: None,
            min_length: None,
            references: None,
            span: 0..0,
        }
    }

    #[test]
    fn each_type_takes_its_own_values_only() {
        for (kind, good, bad) in [
            (
                Scalar::Uuid,
                json!("00000000-0000-0000-0000-000000000001"),
                json!("1"),
            ),
            (Scalar::String, json!("x"), json!(1)),
            (Scalar::Int, json!(1), json!(1.5)),
            (Scalar::Float, json!(1), json!("1")),
            (Scalar::Bool, json!(true), json!(0)),
            (
                Scalar::Url,
                json!("https://a.example/b"),
                json!("a.example"),
            ),
            (
                Scalar::Datetime,
                json!("2026-01-01T00:00:00Z"),
                json!("2026-01-01"),
            ),
        ] {
            assert_eq!(property(PropertyKind::One(kind)).refusal(&good), None);
            assert!(
                property(PropertyKind::One(kind)).refusal(&bad).is_some(),
                "{kind:?}"
            );
            assert_eq!(
                property(PropertyKind::Array(kind)).refusal(&json!([good])),
                None
            );
            assert!(
                property(PropertyKind::Array(kind))
                    .refusal(&json!([bad]))
                    .is_some(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn bounds_words_and_lengths_hold() {
        let number = Property {
            min: Some(0.0),
            max: Some(1.0),
            ..property(PropertyKind::One(Scalar::Float))
        };
        assert!(number.refusal(&json!(-0.1)).is_some() && number.refusal(&json!(1.1)).is_some());
        assert_eq!(number.refusal(&json!(1)), None);
        let word = Property {
            one_of: vec!["a".into()],
            min_length: Some(1),
            ..property(PropertyKind::One(Scalar::String))
        };
        assert!(
            word.refusal(&json!("b"))
                .is_some_and(|reason| reason.contains("none of a"))
        );
        let text = Property {
            min_length: Some(2),
            ..property(PropertyKind::One(Scalar::String))
        };
        assert!(text.refusal(&json!("ש")).is_some() && text.refusal(&json!("שש")).is_none());
    }
}
