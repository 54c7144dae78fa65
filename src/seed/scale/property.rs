//! Values of a graph's properties.

use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::draw::{Draw, between, uuid};
use super::text::{self, Language};
use super::value::{Flavour, Value};
use crate::spec::ontology::{Property, PropertyKind, Scalar};

/// 2025-01-01T00:00:00Z. Times lie in the year behind it.
const YEAR_FROM: i64 = 1_735_689_600;

/// A value that fits the property, about a topic and in a language.
pub(super) fn value(property: &Property, about: (u64, Language), draw: &mut Draw) -> Json {
    match property.kind {
        PropertyKind::One(kind) => scalar(property, kind, about, draw),
        PropertyKind::Array(kind) => {
            let count = u64::from(property.min_length.unwrap_or(0)) + draw.below(3);
            let items = (0..count).map(|_| scalar(property, kind, about, draw));
            Json::Array(items.collect())
        }
    }
}

/// What a column holds, as a property that refers to it has it; nothing for NULL.
pub(super) fn json(value: &Value) -> Option<Json> {
    match value {
        Value::Uuid(bytes) => Some(Json::from(uuid::Uuid::from_bytes(*bytes).to_string())),
        Value::Integer(number) => Some(Json::from(*number)),
        Value::Text(text) => Some(Json::from(text.as_str())),
        Value::Bool(truth) => Some(Json::from(*truth)),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "bounds of properties are small; of a division of whole numbers IEEE 754 defines every bit"
)]
fn scalar(
    property: &Property,
    kind: Scalar,
    (topic, language): (u64, Language),
    draw: &mut Draw,
) -> Json {
    if let Some(word) = draw.of(&property.one_of) {
        return Json::from(word.as_str());
    }
    let least = property.min.unwrap_or(0.0);
    match kind {
        Scalar::Uuid => Json::from(uuid::Uuid::from_bytes(uuid(draw)).to_string()),
        Scalar::Int => {
            let most = property.max.unwrap_or(least + 100.0);
            Json::from(between(draw, least.ceil() as i64, most as i64))
        }
        Scalar::Float => {
            let most = property.max.unwrap_or(least + 1.0);
            let (low, high) = ((least * 1_000.0).ceil(), (most * 1_000.0).floor());
            Json::from(between(draw, low as i64, high as i64) as f64 / 1_000.0)
        }
        Scalar::Bool => Json::from(draw.once_in(2)),
        Scalar::Url => Json::from(format!(
            "https://example.org/{}",
            text::words(draw, topic, Language::English, 1)
        )),
        Scalar::Datetime => {
            let then = between(draw, YEAR_FROM, YEAR_FROM + 31_535_999);
            let then = OffsetDateTime::from_unix_timestamp(then).ok();
            let text = then.and_then(|then| then.format(&Rfc3339).ok());
            Json::from(text.unwrap_or_default())
        }
        Scalar::String => {
            let mut text = string(&property.name, (topic, language), draw);
            while text.chars().count() < property.min_length.unwrap_or(0) as usize {
                text.push(' ');
                text.push_str(&text::words(draw, topic, language, 1));
            }
            Json::from(text)
        }
    }
}

fn string(name: &str, (topic, language): (u64, Language), draw: &mut Draw) -> String {
    match Flavour::of(name) {
        Flavour::Sentences => text::sentences(draw, topic, language),
        Flavour::Person => text::person(draw, language),
        Flavour::Word => text::words(draw, topic, language, 1),
        Flavour::Language => language.code().to_owned(),
        Flavour::Url => format!(
            "https://example.org/{}",
            text::words(draw, topic, Language::English, 1)
        ),
        _ => text::title(draw, topic, language),
    }
}
