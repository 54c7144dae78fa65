//! The type that an embedding column is changed to.

use std::str::FromStr;

use super::memory::Element;

/// A vector type with its dimensions, such as `vector(1024)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetType {
    /// The element type.
    pub element: Element,
    /// The dimensions.
    pub dims: u32,
}

/// The types with their names and most dimensions that hnsw takes. Source: pgvector, `HNSW_MAX_DIM`.
const TYPES: [(&str, Element, u32); 3] = [
    ("vector", Element::Vector, 2_000),
    ("halfvec", Element::Halfvec, 4_000),
    ("bit", Element::Bit, 64_000),
];

impl TargetType {
    /// The type's own name.
    pub fn name(self) -> &'static str {
        TYPES
            .iter()
            .find(|(_, element, _)| *element == self.element)
            .map_or("sparsevec", |(name, ..)| name)
    }

    /// The operator class for this type that means the same distance as `opclass`.
    pub fn opclass(self, opclass: &str) -> String {
        match opclass.split_once('_') {
            Some((_, distance)) => format!("{}_{distance}", self.name()),
            None => opclass.to_owned(),
        }
    }
}

impl FromStr for TargetType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "\"{text}\" is not a vector type: write for example vector(1024) or halfvec(3072)"
            )
        };
        let (name, rest) = text.trim().split_once('(').ok_or_else(malformed)?;
        let dims = rest.strip_suffix(')').ok_or_else(malformed)?;
        let dims: u32 = dims.trim().parse().map_err(|_| malformed())?;
        let (_, element, most) = TYPES
            .iter()
            .find(|(known, ..)| *known == name.trim().to_ascii_lowercase())
            .ok_or_else(malformed)?;
        if dims == 0 || dims > *most {
            return Err(format!(
                "{name} can be indexed with 1 to {most} dimensions, not {dims}"
            ));
        }
        Ok(Self {
            element: *element,
            dims,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_with_its_limits_and_keeps_the_distance() {
        let target: TargetType = " halfvec( 3072 ) ".parse().unwrap();
        assert_eq!((target.name(), target.dims), ("halfvec", 3072));
        assert_eq!(target.opclass("vector_cosine_ops"), "halfvec_cosine_ops");
        for wrong in [
            "vector",
            "vector(x)",
            "text(3)",
            "vector(2001)",
            "vector(0)",
            "vector(3",
        ] {
            assert!(wrong.parse::<TargetType>().is_err(), "{wrong}");
        }
    }
}
