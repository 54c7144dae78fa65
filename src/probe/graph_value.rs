//! Property maps that a label's schema takes, so that an attempt fails for isolation's sake or not
//! at all.

use crate::spec::ontology::{Label, Property, PropertyKind, Scalar};

/// A property that may hold any text: where a mark is put.
pub(super) fn slot(label: &Label) -> Option<&str> {
    if label.free {
        return Some("mark");
    }
    let texts = |property: &&Property| {
        property.kind == PropertyKind::One(Scalar::String) && property.one_of.is_empty()
    };
    label
        .properties
        .iter()
        .find(texts)
        .map(|property| property.name.as_str())
}

/// A map as Cypher writes it: what is given as far as the label takes it, and an example of every
/// other property it requires. `without` is left out even so.
pub(super) fn map(label: &Label, given: &[(&str, &str)], without: Option<&str>) -> String {
    let mut parts = Vec::new();
    for (name, value) in given {
        if label.free || label.property(name).is_some() {
            parts.push(format!("{name}: '{value}'"));
        }
    }
    for property in label.properties.iter().filter(|property| property.required) {
        let name = property.name.as_str();
        if Some(name) != without && !given.iter().any(|(given, _)| *given == name) {
            parts.push(format!("{name}: {}", example(property)));
        }
    }
    format!("{{{}}}", parts.join(", "))
}

fn example(property: &Property) -> String {
    let scalar = match property.kind {
        PropertyKind::One(scalar) => return one(property, scalar),
        PropertyKind::Array(scalar) => scalar,
    };
    let count = property.min_length.unwrap_or(0) as usize;
    let bare = Property {
        min_length: None,
        ..property.clone()
    };
    format!("[{}]", vec![one(&bare, scalar); count].join(", "))
}

fn one(property: &Property, scalar: Scalar) -> String {
    if let Some(first) = property.one_of.first() {
        return format!("'{}'", first.replace('\\', "\\\\").replace('\'', "\\'"));
    }
    let number = property.min.or(property.max).unwrap_or(0.0);
    match scalar {
        Scalar::Uuid => "'00000000-0000-4000-8000-000000000000'".to_owned(),
        Scalar::String => format!(
            "'{}'",
            "x".repeat(property.min_length.unwrap_or(1).max(1) as usize)
        ),
        Scalar::Int => format!("{}", number.ceil()),
        Scalar::Float => format!("{number:?}"),
        Scalar::Bool => "false".to_owned(),
        Scalar::Url => "'https://example.org/'".to_owned(),
        Scalar::Datetime => "'2026-01-01T00:00:00Z'".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::document::Document;
    use crate::spec::ontology::Ontology;

    #[test]
    fn a_map_has_what_the_schema_requires_and_nothing_it_refuses() {
        let text = "graph = \"shop\"\nisolation = \"enforced\"\ntenant_property = \"t\"\n\
            [vertex.Thing.properties]\nt = { type = \"uuid\", required = true }\n\
            n = { type = \"int\", required = true, min = 3 }\nkind = { type = \"string\", required = true, enum = [\"a\"] }\n\
            name = { type = \"string\" }\n";
        let document = Document {
            path: "graph/ontology.toml".into(),
            text: text.into(),
        };
        let ontology = Ontology::read(&document).unwrap();
        let label = &ontology.labels[0];
        assert_eq!(slot(label), Some("name"));
        assert_eq!(
            map(label, &[("t", "A"), ("mark", "m")], None),
            "{t: 'A', n: 3, kind: 'a'}"
        );
        assert_eq!(map(label, &[], Some("t")), "{n: 3, kind: 'a'}");
    }
}
