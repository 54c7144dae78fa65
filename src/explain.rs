//! Every code that edu prints, explained: what it means, an example where there is one, and the way out.
//!
//! The tables stand where the codes are made; this joins them. Drift has no table: its codes are made of a
//! kind of object and what differs, and so are their explanations. It knows no server and prints nothing.

use crate::catalog::Kind;
use crate::sql::{hazard, rule};
use crate::{check, graph};

/// One code's explanation.
#[derive(Debug, Clone)]
pub struct Topic {
    /// The code, in kebab-case.
    pub code: String,
    /// What kind of thing it is: "hazard", "lint", "graph", "isolation", "report", "drift".
    pub kind: &'static str,
    /// What it is, and what it means for the database's users.
    pub meaning: String,
    /// Text that has it; may be empty.
    pub example: &'static str,
    /// What to do; may be empty where the finding itself says it.
    pub fix: String,
    /// Text without it; may be empty.
    pub fixed: &'static str,
}

/// All topics with a table. A new table of codes is joined here with one line.
pub fn all() -> Vec<Topic> {
    let hazards = hazard::ALL.iter().map(of_hazard);
    let rules = rule::ALL.iter().map(of_rule);
    let graph = graph::code::CODES.iter().map(of_graph);
    let isolation = check::ALL.iter().map(of_check);
    let report = REPORT.iter().map(of_report);
    let attempts = ATTEMPTS.iter().map(of_attempt);
    hazards
        .chain(rules)
        .chain(graph)
        .chain(isolation)
        .chain(attempts)
        .chain(report)
        .collect()
}

/// The topics of `code`: usually one; a word like "policy-missing" means one thing on a graph's label
/// and another in drift. Empty for a code that does not exist.
pub fn find(code: &str) -> Vec<Topic> {
    let tables = all().into_iter().filter(|topic| topic.code == code);
    tables.chain(of_drift(code)).collect()
}

/// The code that looks most like `word`, if one does.
pub fn nearest(word: &str) -> Option<String> {
    all()
        .into_iter()
        .map(|topic| (strsim::damerau_levenshtein(word, &topic.code), topic.code))
        .min()
        .filter(|(distance, code)| *distance <= code.len() / 3)
        .map(|(_, code)| code)
}

/// What proof and attempts at foreign rows find: code, meaning.
const ATTEMPTS: &[(&str, &str)] = &[
    (
        "foreign-row-admitted",
        "The policies let a row through that spec/access.toml denies: there are values for which they are true.",
    ),
    (
        "foreign-rows-reached",
        "A session of one tenant reached rows of another, or did what it must not.",
    ),
    (
        "foreign-rows-changed",
        "A session of one tenant changed rows of another, on a way that gave no row back.",
    ),
    (
        "promised-access-missing",
        "Access that spec/access.toml promises was refused, or reached fewer rows than there are.",
    ),
    (
        "tenants-interfere",
        "What one tenant holds decides whether a statement of another works.",
    ),
    (
        "context-helper-leaks",
        "The tenant's setting outlives its transaction, so that the next user of the connection has it.",
    ),
    (
        "could-not-be-tried",
        "An attempt failed for a reason of its own, so that nothing is known about what it was to show.",
    ),
];

fn of_attempt((code, meaning): &(&str, &str)) -> Topic {
    Topic {
        code: (*code).to_owned(),
        kind: "isolation",
        meaning: (*meaning).to_owned(),
        example: "",
        fix: "The finding names role, object and statement, and has the SQL that shows it again, rolled back. Mend the \
              policy or privilege, or correct the promise in spec/access.toml."
            .to_owned(),
        fixed: "",
    }
}

/// What a report says beside differences: code, meaning, what to do.
const REPORT: &[(&str, &str, &str)] = &[
    (
        "migration-pending",
        "A migration of the project is not applied. The database is compared with what the applied ones give.",
        "edu db migrate, or edu db bootstrap for a step that needs a superuser; edu db baseline where the \
         database has what it makes and no history.",
    ),
    (
        "history-conflict",
        "The schema history names a migration that the files do not have, or that has other text now.",
        "Bring back the file as it was applied; edu db status shows both sides.",
    ),
    (
        "acceptance-unused",
        "An entry under [[accept]] in edu.toml fits nothing that differs: a hole that nobody needs.",
        "Remove the entry, or correct its object.",
    ),
    (
        "acceptance-expired",
        "The day until which an entry under [[accept]] in edu.toml holds has passed.",
        "Mend what differs, or decide anew and give it another day.",
    ),
    (
        "not-modelled",
        "The database has an object of a kind that edu does not compare. Whether it differs is not known.",
        "Compare it by other means. --strict-coverage makes it fail.",
    ),
    (
        "vector-index-missing",
        "An index that spec/vectors.toml declares is not there, or cannot be: every search reads the whole table.",
        "edu db index",
    ),
    (
        "vector-index-invalid",
        "A vector index was not built to its end. No search uses it.",
        "edu db index",
    ),
    (
        "vector-index-differs",
        "A vector index is not as declared, has outgrown its lists, or holds vectors that no search finds.",
        "edu db index rebuild; for zero vectors, mend the rows.",
    ),
    (
        "posture-differs",
        "Something that decides who reaches which row is not as in a database built from the migrations, so \
         attempts that failed there say nothing about this one.",
        "edu db rls names what differs; edu db rls --here makes the attempts on the database itself.",
    ),
];

fn of_report((code, meaning, fix): &(&str, &str, &str)) -> Topic {
    Topic {
        code: (*code).to_owned(),
        kind: "report",
        meaning: (*meaning).to_owned(),
        example: "",
        fix: (*fix).to_owned(),
        fixed: "",
    }
}

fn of_hazard(entry: &hazard::Entry) -> Topic {
    Topic {
        code: entry.id.to_owned(),
        kind: "hazard",
        meaning: format!("{}\n{}", entry.title, entry.consequence),
        example: entry.example,
        fix: entry.fix.to_owned(),
        fixed: entry.fixed,
    }
}

fn of_rule(rule: &rule::Rule) -> Topic {
    Topic {
        code: rule.id.to_owned(),
        kind: "lint",
        meaning: format!("{}\n{}", rule.title, rule.consequence),
        example: rule.example,
        fix: rule.fix.to_owned(),
        fixed: rule.fixed,
    }
}

fn of_graph(code: &graph::code::Code) -> Topic {
    Topic {
        code: code.id.to_owned(),
        kind: "graph",
        meaning: sentence(code.consequence),
        example: "",
        fix: sentence(code.fix),
        fixed: "",
    }
}

fn of_check(check: &check::Check) -> Topic {
    Topic {
        code: check.id.to_owned(),
        kind: "isolation",
        meaning: sentence(check.looks_for),
        example: "",
        fix: "The finding shows what a tenant could see or do, and the SQL that mends it. One that is known and \
              accepted is named in spec/access.toml with its reason."
            .to_owned(),
        fixed: "",
    }
}

/// "policy-missing", "table-forced": a kind of object, and how it is not what the spec says.
fn of_drift(code: &str) -> Option<Topic> {
    let word = |kind: &Kind| kind.as_str().replace(' ', "-");
    let of_kind = |kind: &&Kind| {
        code.strip_prefix(&word(kind))
            .is_some_and(|rest| rest.len() > 1 && rest.starts_with('-'))
    };
    let kind = Kind::ALL
        .iter()
        .filter(of_kind)
        .max_by_key(|kind| word(kind).len())?;
    let meaning = match &code[word(kind).len() + 1..] {
        "missing" => format!("The spec has this {kind}, the database has not."),
        "unexpected" => format!("The database has this {kind}, the spec has not."),
        facet => format!(
            "This {kind} is there, and its {} is not what the spec says.",
            facet.replace('-', " ")
        ),
    };
    Some(Topic {
        code: code.to_owned(),
        kind: "drift",
        meaning,
        example: "",
        fix: "edu db verify shows both sides, what follows, and the SQL that repairs it. Where the database is \
              right, change the spec and write the migration with edu db generate; what is known and accepted \
              is named under [[accept]] in edu.toml."
            .to_owned(),
        fixed: "",
    })
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '…']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_for_one_topic_of_its_kind() {
        let mut codes: Vec<(&str, String)> = all()
            .into_iter()
            .map(|topic| (topic.kind, topic.code))
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(find("x").is_empty());
        assert_eq!(nearest("dataloss").as_deref(), Some("data-loss"));
    }

    #[test]
    fn a_code_is_explained_wherever_it_is_used() {
        let kinds = |code: &str| {
            find(code)
                .iter()
                .map(|topic| topic.kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("data-loss"), ["hazard"]);
        assert_eq!(kinds("graph-missing"), ["graph", "drift"]);
        assert_eq!(kinds("rls-not-forced"), ["isolation"]);
        assert_eq!(kinds("table-forced"), ["drift"]);
        assert!(kinds("policy-").is_empty());
    }
}
