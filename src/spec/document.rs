//! Reading one TOML file into one type, with errors that point into it.

use serde::de::DeserializeOwned;

use crate::failure::{Excerpt, Failure, Result};

/// One text file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The path relative to the project's root, with `/`.
    pub path: String,
    /// The content, without a byte order mark and with LF line ends.
    pub text: String,
}

impl Document {
    /// Reads the TOML text as a `T`. Unknown keys are errors when `T` denies them.
    ///
    /// # Errors
    /// Exit 2 with file, line and column, and the nearest known key for an unknown one.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().trim().replace('\n', "; ");
            let (headline, known) = worded(&message);
            let mut failure =
                Failure::usage(format!("could not read \"{}\": {headline}", self.path));
            if let Some(known) = known {
                failure = failure.detail(known);
            }
            if let Some(near) = nearest_key(&message) {
                failure = failure.hint(format!("Did you mean `{near}`?"));
            }
            match error.span() {
                Some(span) => failure.at(self.excerpt(span, "here")),
                None => failure,
            }
        })
    }

    /// Points at `span` of this file. Units: bytes.
    pub fn excerpt(&self, span: std::ops::Range<usize>, label: impl Into<String>) -> Excerpt {
        Excerpt {
            path: self.path.clone(),
            text: self.text.clone(),
            span,
            label: label.into(),
        }
    }

    /// A failure of exit 2 that points at `span` of this file.
    pub fn failure(&self, span: std::ops::Range<usize>, error: impl Into<String>) -> Failure {
        Failure::usage(error).at(self.excerpt(span, "here"))
    }
}

/// The known name closest to `word`, if one is close enough to be a slip.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Says in a user's words what serde says in Rust's. Shape: the headline, and what is known here.
fn worded(message: &str) -> (String, Option<String>) {
    for (lead, what) in [("unknown field `", "key"), ("unknown variant `", "word")] {
        let rest = message.strip_prefix(lead);
        if let Some((word, expected)) = rest.and_then(|rest| rest.split_once('`')) {
            let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            let known = format!("Known here: {}.", known.join(", "));
            return (format!("unknown {what} \"{word}\""), Some(known));
        }
    }
    let missing = message.strip_prefix("missing field `");
    if let Some(word) = missing.and_then(|rest| rest.strip_suffix('`')) {
        return (format!("\"{word}\" is missing"), None);
    }
    let kinds = message.strip_prefix("invalid type: ");
    match kinds.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            let (found, expected) = (kind(found), kind(expected));
            (format!("{found} stands where {expected} belongs"), None)
        }
        None => (message.to_owned(), None),
    }
}

/// Rust's name of a kind of value, in a user's words.
fn kind(name: &str) -> String {
    let (name, value) = name.split_once(' ').unwrap_or((name, ""));
    let value = value.trim_matches('`');
    match name {
        "string" => format!("the text {value}"),
        "integer" | "float" | "floating" => {
            format!("the number {}", value.trim_start_matches("point `"))
        }
        "boolean" => value.to_owned(),
        "sequence" => "a list".to_owned(),
        "map" | "struct" | "table" => "a table".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => {
            "a whole number".to_owned()
        }
        "f32" | "f64" => "a number".to_owned(),
        "a" if value == "string" => "a text".to_owned(),
        "a" if value == "boolean" => "true or false".to_owned(),
        "a" if matches!(value, "map" | "sequence") => kind(value),
        _ => format!("{name} {value}").trim().to_owned(),
    }
}

/// Takes serde's list of expected keys out of its message and picks the nearest.
fn nearest_key(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"))?;
    let (word, expected) = rest.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    nearest(word, known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only the reading is under test")]
        database: Option<u16>,
    }

    fn read(text: &str) -> Failure {
        let document = Document {
            path: "edu.toml".into(),
            text: text.into(),
        };
        document.parse::<Sample>().unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_pointed_at_with_the_nearest_known_one() {
        let failure = read("# a\ndatabse = 1\n");
        assert_eq!(failure.excerpt.as_ref().unwrap().position(), (2, 1));
        assert_eq!(failure.hint.as_deref(), Some("Did you mean `database`?"));
    }

    #[test]
    fn a_wrong_type_is_pointed_at() {
        let failure = read("database = \"x\"\n");
        assert_eq!(failure.excerpt.as_ref().unwrap().position(), (1, 12));
        assert!(
            failure
                .error
                .ends_with("the text \"x\" stands where a whole number belongs")
        );
    }

    #[test]
    fn kinds_of_values_are_worded_for_people() {
        let say = |message| worded(message).0;
        assert_eq!(
            say("invalid type: integer `5`, expected a string"),
            "the number 5 stands where a text belongs"
        );
        assert_eq!(
            say("invalid type: boolean `true`, expected a map"),
            "true stands where a table belongs"
        );
        assert_eq!(say("missing field `name`"), "\"name\" is missing");
    }

    #[test]
    fn a_far_word_has_no_nearest() {
        assert_eq!(nearest("zebra", ["database", "name"]), None);
    }
}
