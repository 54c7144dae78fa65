//! The facets of an object: what can differ about it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::Kind;

/// One facet's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text: a name, a type, an expression, a definition.
    Text(Box<str>),
    /// Several texts, in the order that counts, else sorted.
    List(Box<[Box<str>]>),
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Box<str>] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

/// The facets of one object, sorted by name; each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets(Vec<(&'static str, Value)>);

impl Facets {
    /// The value of `facet`; none where it has the server's default.
    pub fn get(&self, facet: &str) -> Option<&Value> {
        let at = self
            .0
            .binary_search_by(|(name, _)| (*name).cmp(facet))
            .ok()?;
        Some(&self.0[at].1)
    }

    /// The text of `facet`, or an empty one.
    pub fn text(&self, facet: &str) -> &str {
        self.get(facet).and_then(Value::text).unwrap_or("")
    }

    /// Whether `facet` is set to yes.
    pub fn flag(&self, facet: &str) -> bool {
        self.get(facet) == Some(&Value::Flag(true))
    }

    /// The items of `facet`; none where it is not set.
    pub fn items(&self, facet: &str) -> &[Box<str>] {
        self.get(facet).map_or(&[], Value::items)
    }

    /// Sets or, with `None`, clears `facet`.
    pub fn set(&mut self, facet: &str, value: Option<Value>) {
        let at = self.0.binary_search_by(|(name, _)| (*name).cmp(facet));
        match (at, value) {
            (Ok(at), Some(value)) => self.0[at].1 = value,
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(at), Some(value)) => self.0.insert(at, (intern(facet), value)),
            (Err(_), None) => {}
        }
    }

    /// Sets `facet`, whose name is known beforehand.
    pub fn put(&mut self, facet: &'static str, value: Value) {
        match self.0.binary_search_by(|(name, _)| (*name).cmp(facet)) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (facet, value)),
        }
    }

    /// All facets, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// Whether a facet tells the state of the data or the place, not the structure: it is compared, but
/// stays out of the fingerprint, which has to survive a dump and a restore.
pub fn is_state(kind: Kind, facet: &str) -> bool {
    matches!(
        (kind, facet),
        (
            Kind::Database,
            "collate" | "ctype" | "locale" | "locale_provider"
        ) | (Kind::Sequence, "behind")
            | (Kind::Graph, "other_number")
    )
}

/// Whether a facet only serves ordering, and is not compared.
pub fn is_aid(facet: &str) -> bool {
    facet == "uses"
}

/// Facet names are few and repeated a hundred thousand times: each is kept once.
fn intern(name: &str) -> &'static str {
    static NAMES: OnceLock<Mutex<BTreeSet<&'static str>>> = OnceLock::new();
    let mut names = NAMES
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into());
    names.insert(kept);
    kept
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flag, a whole number, a text or a list of texts")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Number).map_err(E::custom)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Box<str>>()? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }
}

impl Serialize for Facets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Facets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FacetsVisitor)
    }
}

struct FacetsVisitor;

impl<'de> Visitor<'de> for FacetsVisitor {
    type Value = Facets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object's facets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facets, A::Error> {
        let mut facets = Facets::default();
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = map.next_value()?;
            facets.set(&name, Some(value));
        }
        facets.0.shrink_to_fit();
        Ok(facets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_read_back_as_they_were_written_and_in_order() {
        let text = r#"{"b":true,"a":["x","y"],"d":-3,"c":"t"}"#;
        let facets: Facets = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&facets).unwrap();
        assert_eq!(written, r#"{"a":["x","y"],"b":true,"c":"t","d":-3}"#);
        assert!(facets.flag("b") && facets.items("a").len() == 2);
    }
}
