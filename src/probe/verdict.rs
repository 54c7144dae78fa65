//! What an outcome means.
//!
//! Order inside PostgreSQL: BEFORE triggers, policies, NOT NULL and CHECK, unique, foreign keys. So a
//! constraint's error (class 23) on something that had to be refused means that the policies let it pass.

use super::attempt::{Attempt, Context, Expect};
use crate::posture::finding::{Engine, Finding, Severity};

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The SQLSTATE of an error.
    pub error: Option<String>,
    /// The error's message.
    pub message: String,
    /// Rows changed, or the count that a SELECT gave.
    pub rows: i64,
    /// All values as text.
    pub text: String,
    /// What `Exactly` or `AtMost` counted or `Unchanged` gave before; and what it gave after.
    pub before: String,
    /// See `before`.
    pub after: String,
}

/// The finding that an outcome leads to, if it is not what had to come out.
pub fn judge(
    context: Context,
    role: &str,
    attempt: &Attempt,
    outcome: &Outcome,
) -> Option<Finding> {
    let wrong = match (attempt.command, &attempt.expect) {
        // A function says no in its own words.
        ("EXECUTE", Expect::Refused) if outcome.error.is_some() => None,
        ("EXECUTE", Expect::Refused) => (outcome.rows > 0).then(|| {
            let message = format!("{}, as {role}, {}", context.as_str(), attempt.what);
            ("foreign-rows-reached", message)
        }),
        _ => wrong(attempt, outcome, context, role),
    };
    let (id, message) = wrong?;
    Some(
        Finding::new(
            Engine::Probe,
            Severity::Error,
            id,
            attempt.object.clone(),
            message,
        )
        .command(attempt.command),
    )
}

/// The id and message of what is wrong.
fn wrong(
    attempt: &Attempt,
    outcome: &Outcome,
    context: Context,
    role: &str,
) -> Option<(&'static str, String)> {
    let error = outcome.error.as_deref();
    let refused = error.is_some_and(|code| code == "42501");
    let admitted = error.is_some_and(|code| code.starts_with("23"));
    let (who, what, rows) = (context.as_str(), &attempt.what, outcome.rows);
    let raised = || {
        let code = error.unwrap_or_default();
        (
            if context == Context::A1 {
                "could-not-be-tried"
            } else {
                "context-raises"
            },
            format!(
                "{who}, as {role}, {what}: {} ({code}), which is neither refused nor done",
                outcome.message
            ),
        )
    };
    match &attempt.expect {
        Expect::Nothing if admitted || rows > 0 => Some((
            "foreign-rows-reached",
            format!(
                "{who}, as {role}, {what}: {} reached, none had to be",
                counted(rows, admitted)
            ),
        )),
        Expect::Nothing if error.is_some() && !refused => Some(raised()),
        Expect::Refused if admitted => Some((
            "foreign-row-admitted",
            format!(
                "{who}, as {role}, {what}: the policies let it pass, only a constraint stopped it ({})",
                outcome.message
            ),
        )),
        Expect::Refused if error.is_none() && rows > 0 => Some((
            "foreign-row-admitted",
            format!("{who}, as {role}, {what}: done, it had to be refused"),
        )),
        Expect::Refused if error.is_none() && attempt.command == "TRUNCATE" => Some((
            "foreign-rows-reached",
            format!("{who}, as {role}, {what}: done, it had to be refused"),
        )),
        Expect::Refused if error.is_some_and(|code| !refused && code != "P0001") => Some(raised()),
        Expect::Works if error.is_some() && !admitted => Some((
            "promised-access-missing",
            format!(
                "{who}, as {role}, {what}: {} ({}), it had to work",
                outcome.message,
                error.unwrap_or_default()
            ),
        )),
        Expect::Works if error.is_none() && rows == 0 => Some((
            "promised-access-missing",
            format!("{who}, as {role}, {what}: no row, it had to work"),
        )),
        Expect::Exactly(_) => exactly(who, role, what, outcome, refused),
        Expect::AtMost(_) if error.is_some() && !refused => Some(raised()),
        Expect::AtMost(_) => exactly(who, role, what, outcome, refused)
            .filter(|(id, _)| *id != "promised-access-missing"),
        Expect::NoMark(mark) if outcome.text.contains(mark.as_str()) => Some((
            "foreign-rows-reached",
            format!("{who}, as {role}, {what}: content of tenant B came back"),
        )),
        Expect::Unchanged(_) if outcome.before != outcome.after => Some((
            "foreign-rows-changed",
            format!("{who}, as {role}, {what}: rows that are not tenant A's changed"),
        )),
        _ => None,
    }
}

fn exactly(
    who: &str,
    role: &str,
    what: &str,
    outcome: &Outcome,
    refused: bool,
) -> Option<(&'static str, String)> {
    let wanted: i64 = outcome.before.parse().unwrap_or(0);
    let rows = outcome.rows;
    match &outcome.error {
        Some(_) if refused && wanted == 0 => None,
        // The policies had let it pass, as they should, and a row that refers to these kept them.
        Some(code) if code.starts_with("23") && wanted > 0 => None,
        Some(code) => Some((
            "promised-access-missing",
            format!(
                "{who}, as {role}, {what}: {} ({code}), {wanted} rows had to be reached",
                outcome.message
            ),
        )),
        None if rows > wanted => {
            let more = rows - wanted;
            Some((
                "foreign-rows-reached",
                format!(
                    "{who}, as {role}, {what}: {rows} reached, {more} of them of tenant B or another user"
                ),
            ))
        }
        None if rows < wanted => Some((
            "promised-access-missing",
            format!("{who}, as {role}, {what}: {rows} of {wanted} rows reached"),
        )),
        None => None,
    }
}

fn counted(rows: i64, admitted: bool) -> String {
    match (rows, admitted) {
        (_, true) => "rows".to_owned(),
        (1, _) => "1 row".to_owned(),
        (rows, _) => format!("{rows} rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(expect: Expect) -> Attempt {
        Attempt {
            table: 1,
            object: "public.t".into(),
            command: "INSERT",
            what: "adds a row".into(),
            sql: String::new(),
            expect,
        }
    }

    fn failed(code: &str) -> Outcome {
        Outcome {
            error: Some(code.into()),
            ..Outcome::default()
        }
    }

    #[test]
    fn a_constraint_that_stopped_a_foreign_row_does_not_count_as_a_refusal() {
        let refused = attempt(Expect::Refused);
        assert!(judge(Context::A1, "app", &refused, &failed("42501")).is_none());
        let found = judge(Context::A1, "app", &refused, &failed("23503")).unwrap();
        assert_eq!(found.id, "foreign-row-admitted");
    }

    #[test]
    fn what_could_not_be_tried_is_a_finding() {
        let found = judge(
            Context::A1,
            "app",
            &attempt(Expect::Refused),
            &failed("22P02"),
        )
        .unwrap();
        assert_eq!(found.id, "could-not-be-tried");
        let found = judge(
            Context::Empty,
            "app",
            &attempt(Expect::Nothing),
            &failed("22P02"),
        )
        .unwrap();
        assert_eq!(found.id, "context-raises");
    }

    #[test]
    fn at_most_tells_of_more_rows_alone() {
        let count = attempt(Expect::AtMost(String::new()));
        let outcome = |rows| Outcome {
            rows,
            before: "2".into(),
            ..Outcome::default()
        };
        assert!(judge(Context::A1, "app", &count, &outcome(1)).is_none());
        assert!(judge(Context::A1, "app", &count, &failed("42501")).is_none());
        let found = judge(Context::A1, "app", &count, &outcome(3)).unwrap();
        assert_eq!(found.id, "foreign-rows-reached");
        let found = judge(Context::A1, "app", &count, &failed("22P02")).unwrap();
        assert_eq!(found.id, "could-not-be-tried");
    }

    #[test]
    fn more_rows_than_promised_and_fewer_are_both_told() {
        let count = attempt(Expect::Exactly(String::new()));
        let outcome = |rows, before: &str| Outcome {
            rows,
            before: before.into(),
            ..Outcome::default()
        };
        assert!(judge(Context::A1, "app", &count, &outcome(2, "2")).is_none());
        assert_eq!(
            judge(Context::A1, "app", &count, &outcome(3, "2"))
                .unwrap()
                .id,
            "foreign-rows-reached"
        );
        assert_eq!(
            judge(Context::A1, "app", &count, &outcome(1, "2"))
                .unwrap()
                .id,
            "promised-access-missing"
        );
    }
}
