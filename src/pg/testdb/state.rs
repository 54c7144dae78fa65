//! What a test database that was found is: in use, kept, or left over. Decided without a server.

use super::mark::{Lease, Mark};

/// A database of edu's, as the server shows it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its comment, if it is a mark.
    pub mark: Option<Mark>,
    /// It is complete as a template: marked so, and closed.
    pub is_template: bool,
    /// The session that holds the lock of its name.
    pub holder: Option<i32>,
    /// How many sessions are connected to it.
    pub sessions: i64,
    /// Its size. Units: bytes; nothing where the role may not see it.
    pub size_bytes: Option<i64>,
}

/// What is known of the process that made a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// It lives, on this machine.
    Alive,
    /// It is gone.
    Gone,
    /// It is or was elsewhere.
    Elsewhere,
}

/// What becomes of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody makes it or works with it.
    InUse,
    /// Its time is not over.
    Kept,
    /// Its time is over.
    Expired,
    /// Whoever made it is gone.
    Orphaned,
    /// Whoever was making it is gone.
    Unfinished,
    /// A template that was asked for not long ago, or that the files give now.
    Template,
    /// A template that nobody asked for in a while.
    Unused,
}

impl State {
    /// Whether nobody needs it any more.
    pub fn is_left_over(self) -> bool {
        matches!(
            self,
            Self::Expired | Self::Orphaned | Self::Unfinished | Self::Unused
        )
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InUse => "in use",
            Self::Kept => "kept",
            Self::Expired => "expired",
            Self::Orphaned => "orphaned",
            Self::Unfinished => "unfinished",
            Self::Template => "template",
            Self::Unused => "unused",
        })
    }
}

/// What counts as left over.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    /// The server's time.
    pub now: i64,
    /// The template that the files give now.
    pub current: Option<&'a str>,
    /// How long a template may go unused. Units: seconds.
    pub unused_seconds: i64,
}

/// Judges a clone. `process` is what is known of its maker.
pub fn clone(found: &Found, process: Process, rules: &Rules<'_>) -> State {
    let Some(lease) = found.mark.as_ref().and_then(Mark::lease) else {
        return if found.holder.is_some() {
            State::InUse
        } else {
            State::Unfinished
        };
    };
    match (lease.expires, found.holder, process) {
        // The server has not noticed yet.
        (None, Some(_), Process::Gone) => State::Orphaned,
        (_, Some(_), _) => State::InUse,
        (Some(expires), None, _) if expires <= rules.now => State::Expired,
        (Some(_), None, _) => State::Kept,
        // Its connection broke, and it will open another.
        (None, None, Process::Alive) => State::InUse,
        (None, None, _) => State::Orphaned,
    }
}

/// Judges a template.
pub fn template(found: &Found, rules: &Rules<'_>) -> State {
    let made = found.mark.as_ref().and_then(Mark::made);
    match (made, found.holder) {
        (_, Some(_)) => State::InUse,
        (Some(made), None) if found.is_template => {
            let unused = made.used + rules.unused_seconds <= rules.now;
            if unused && rules.current != Some(found.name.as_str()) {
                State::Unused
            } else {
                State::Template
            }
        }
        _ => State::Unfinished,
    }
}

/// The lease of a clone that was found.
pub fn lease(found: &Found) -> Option<&Lease> {
    found.mark.as_ref().and_then(Mark::lease)
}

#[cfg(test)]
mod tests {
    use super::super::mark::{Kind, Made, Owner, Strategy};
    use super::*;

    const RULES: Rules<'static> = Rules {
        now: 1_000,
        current: Some("now"),
        unused_seconds: 100,
    };

    fn found(name: &str, kind: Option<Kind>, holder: Option<i32>) -> Found {
        Found {
            name: name.to_owned(),
            is_template: matches!(kind, Some(Kind::Template(_))),
            mark: kind.map(|kind| Mark::new("shop", kind)),
            holder,
            sessions: 0,
            size_bytes: None,
        }
    }

    fn leased(expires: Option<i64>) -> Option<Kind> {
        Some(Kind::Clone(Lease {
            template: "t".to_owned(),
            owner: Owner {
                user: "u".to_owned(),
                host: "h".to_owned(),
                pid: 1,
                place: "p".to_owned(),
                started: 1,
                command: String::new(),
            },
            since: 0,
            expires,
        }))
    }

    #[test]
    fn a_clone_of_a_dead_process_is_left_over_before_the_server_notices() {
        let clone = |kind, holder, process| clone(&found("c", kind, holder), process, &RULES);
        assert_eq!(clone(leased(None), Some(7), Process::Alive), State::InUse);
        assert_eq!(
            clone(leased(None), Some(7), Process::Elsewhere),
            State::InUse
        );
        assert_eq!(clone(leased(None), Some(7), Process::Gone), State::Orphaned);
        assert_eq!(
            clone(leased(None), None, Process::Elsewhere),
            State::Orphaned
        );
        assert_eq!(clone(leased(None), None, Process::Alive), State::InUse);
    }

    #[test]
    fn a_kept_clone_is_left_over_when_its_time_is_over() {
        let clone = |kind, holder| clone(&found("c", kind, holder), Process::Gone, &RULES);
        assert_eq!(clone(leased(Some(1_001)), None), State::Kept);
        assert_eq!(clone(leased(Some(1_000)), None), State::Expired);
        assert_eq!(clone(leased(Some(1_000)), Some(7)), State::InUse);
        assert_eq!(clone(None, Some(7)), State::InUse);
        assert_eq!(clone(None, None), State::Unfinished);
    }

    #[test]
    fn a_template_is_left_over_when_it_is_old_and_not_what_the_files_give() {
        let made = |used| {
            Some(Kind::Template(Made {
                strategy: Strategy::WalLog,
                measured: String::new(),
                used,
            }))
        };
        let judged = |name, kind, holder| template(&found(name, kind, holder), &RULES);
        assert_eq!(judged("old", made(900), None), State::Unused);
        assert_eq!(judged("old", made(901), None), State::Template);
        assert_eq!(judged("now", made(0), None), State::Template);
        assert_eq!(judged("old", made(0), Some(7)), State::InUse);
        assert_eq!(judged("new", None, None), State::Unfinished);
        assert_eq!(judged("new", None, Some(7)), State::InUse);
    }
}
