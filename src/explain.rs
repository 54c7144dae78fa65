//! Every code that edu prints, explained: what it means, an example, and the way out.
//!
//! The tables stand where the codes are made; this joins them. It knows no server and prints nothing.

use crate::sql::hazard;

/// One code's explanation.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// The code, in kebab-case.
    pub code: &'static str,
    /// What kind of thing it is: "hazard".
    pub kind: &'static str,
    /// One sentence: what it is.
    pub title: &'static str,
    /// What it means for the database's users.
    pub consequence: &'static str,
    /// Text that has it.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Text without it.
    pub fixed: &'static str,
}

/// All topics. A new table of codes is joined here with one line.
pub fn all() -> Vec<Topic> {
    hazard::ALL.iter().map(of_hazard).collect()
}

/// The topic of `code`.
pub fn find(code: &str) -> Option<Topic> {
    all().into_iter().find(|topic| topic.code == code)
}

/// The code that looks most like `word`, if one does.
pub fn nearest(word: &str) -> Option<&'static str> {
    all()
        .iter()
        .map(|topic| (strsim::damerau_levenshtein(word, topic.code), topic.code))
        .min()
        .filter(|(distance, code)| *distance <= code.len() / 3)
        .map(|(_, code)| code)
}

fn of_hazard(entry: &hazard::Entry) -> Topic {
    Topic {
        code: entry.id,
        kind: "hazard",
        title: entry.title,
        consequence: entry.consequence,
        example: entry.example,
        fix: entry.fix,
        fixed: entry.fixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_for_one_topic() {
        let mut codes: Vec<&str> = all().iter().map(|topic| topic.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(find("data-loss").is_some() && find("x").is_none());
        assert_eq!(nearest("dataloss"), Some("data-loss"));
    }
}
