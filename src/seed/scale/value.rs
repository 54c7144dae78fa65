//! One generated value, before it is encoded.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number, of whatever width the column has.
    Integer(i64),
    /// Thousandths of a number.
    Thousandths(i64),
    /// A UUID.
    Uuid([u8; 16]),
    /// A text or the label of an enum.
    Text(String),
    /// JSON.
    Json(String),
    /// Seconds since 2000-01-01.
    Seconds(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An array, of one dimension.
    Array(Vec<Value>),
    /// A vector.
    Vector(Vec<f32>),
}

/// How a column's values come to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Generator {
    /// NULL, or left to its default.
    Absent,
    /// From the row a foreign key refers to: the key's and the column's place in it.
    Reference { key: usize, part: usize },
    /// An id of its own.
    Identity,
    /// The place among the rows of the parent that a foreign key refers to.
    Chain,
    /// Either.
    Bool,
    /// Between two bounds, both included.
    Integer(i64, i64),
    /// Between two bounds in thousandths.
    Number(i64, i64),
    /// One of these texts.
    OneOf(Vec<String>),
    /// A text.
    Text(Flavour),
    /// A small JSON object, or this one.
    Json(Option<String>),
    /// A time in the year before 2026.
    Time,
    /// Bytes.
    Bytes,
    /// The id of a vertex of the label at this place in the ontology.
    Vertex(usize),
    /// A few of these.
    Array(Box<Generator>),
    /// A unit vector near its topic's.
    Vector(usize),
}

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// An address that leads nowhere.
    Email,
    /// Words with hyphens.
    Slug,
    /// A URL that leads nowhere.
    Url,
    /// A person's name.
    Person,
    /// A title.
    Title,
    /// Sentences.
    Sentences,
    /// A language's code.
    Language,
    /// Hexadecimal digits.
    Hex,
    /// A UUID as text.
    Uuid,
    /// One word.
    Word,
}

impl Flavour {
    /// What a column's name says of its texts.
    pub fn of(name: &str) -> Self {
        const HINTS: [(&str, Flavour); 25] = [
            ("email", Flavour::Email),
            ("slug", Flavour::Slug),
            ("url", Flavour::Url),
            ("uri", Flavour::Url),
            ("link", Flavour::Url),
            ("display_name", Flavour::Person),
            ("full_name", Flavour::Person),
            ("author", Flavour::Person),
            ("speaker", Flavour::Person),
            ("title", Flavour::Title),
            ("name", Flavour::Title),
            ("label", Flavour::Title),
            ("subject", Flavour::Title),
            ("language", Flavour::Language),
            ("locale", Flavour::Language),
            ("lang", Flavour::Language),
            ("hash", Flavour::Hex),
            ("token", Flavour::Hex),
            ("checksum", Flavour::Hex),
            ("description", Flavour::Sentences),
            ("content", Flavour::Sentences),
            ("text", Flavour::Sentences),
            ("body", Flavour::Sentences),
            ("summary", Flavour::Sentences),
            ("comment", Flavour::Sentences),
        ];
        let name = name.to_ascii_lowercase();
        HINTS
            .iter()
            .find(|(hint, _)| name.contains(hint))
            .map_or(Self::Word, |(_, flavour)| *flavour)
    }
}
