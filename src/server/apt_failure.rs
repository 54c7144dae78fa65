//! Why apt-get failed, read from its stderr. Pure.

use super::WAYS_OUT;
use super::mirror::Mirror;
use super::wanted::Wanted;
use crate::failure::{Exit, Failure};

/// What tells one cause from another in apt's words.
const FULL: &[&str] = &["No space left on device"];
const UNSIGNED: &[&str] = &[
    "NO_PUBKEY",
    "is not signed",
    "GPG error",
    "OpenPGP",
    "Missing key",
    "/usr/bin/sqv",
];
const OUTDATED: &[&str] = &["is expired", "is not valid yet"];
const UNREACHED: &[&str] = &[
    "resolving",
    "Could not connect",
    "Unable to connect",
    "Connection failed",
    "Failed to fetch",
    "Network is unreachable",
    "timed out",
    "does not have a Release file",
];
const UNRESOLVED: &[&str] = &[
    "Unable to locate package",
    "unmet dependencies",
    "has no installation candidate",
    "Unable to correct problems",
    "held broken packages",
    "Unable to satisfy dependencies",
];

/// Words why apt-get failed.
pub(super) fn explain(stderr: &str, wanted: &Wanted, mirror: &Mirror) -> Failure {
    let says = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    let (major, suite) = (wanted.major, wanted.suite);
    let mut failure = if says(FULL) {
        Failure::usage("the disk was full while packages were downloaded")
            .hint("Free 400 MB, or set XDG_CACHE_HOME to a directory with room.")
    } else if says(UNSIGNED) {
        Failure::usage(format!("Debian {suite}'s signature could not be checked")).hint(format!(
            "Bring the keys up to date: apt-get install debian-archive-keyring. {WAYS_OUT}"
        ))
    } else if says(OUTDATED) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "the index of the Debian mirror \"{}\" is out of date",
                mirror.archive
            ),
        )
        .hint(format!(
            "Check this machine's clock and the mirror. {WAYS_OUT}"
        ))
    } else if says(UNREACHED) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "the Debian mirror \"{}\" could not be reached",
                mirror.archive
            ),
        )
        .hint(format!(
            "Check the network, or the proxy in apt's configuration, and run it again. {WAYS_OUT}"
        ))
    } else if says(UNRESOLVED) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "Debian {suite} does not resolve PostgreSQL {major} with AGE and pgvector today"
            ),
        )
        .hint(format!(
            "Try again tomorrow, or take another major (--major 17). {WAYS_OUT}"
        ))
    } else {
        Failure::usage("apt-get failed").hint(WAYS_OUT)
    };
    failure.detail.extend(facts(stderr));
    failure
}

/// The few lines of apt that tell, without its marks and without repetitions.
fn facts(stderr: &str) -> Vec<String> {
    let telling = ["E:", "W: Failed", "W: GPG", "W: OpenPGP"];
    let mut facts: Vec<String> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| {
            telling.iter().any(|mark| line.starts_with(mark)) || line.contains("Depends:")
        })
        .map(|line| {
            line.trim_start_matches("E: ")
                .trim_start_matches("W: ")
                .to_owned()
        })
        .collect();
    facts.dedup();
    facts.truncate(4);
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(suite: &'static str) -> Wanted {
        Wanted {
            major: 18,
            suite,
            architecture: "amd64",
        }
    }

    #[test]
    fn each_cause_has_its_own_headline() {
        let cases = [
            (
                "E: Unable to locate package postgresql-18-age",
                "does not resolve",
                Exit::Unreachable,
            ),
            (
                "E: Failed to fetch http://x  Temporary failure resolving 'x'",
                "could not be reached",
                Exit::Unreachable,
            ),
            (
                "W: GPG error: http://x: NO_PUBKEY 0E98",
                "signature",
                Exit::Usage,
            ),
            (
                "E: write error: No space left on device",
                "disk was full",
                Exit::Usage,
            ),
            (
                "E: Release file for http://x is expired (invalid since 14d).",
                "out of date",
                Exit::Unreachable,
            ),
            ("E: something new", "apt-get failed", Exit::Usage),
        ];
        for (stderr, headline, exit) in cases {
            let failure = explain(stderr, &wanted("forky"), &Mirror::default());
            assert!(
                failure.error.contains(headline),
                "{stderr}: {}",
                failure.error
            );
            assert_eq!(failure.exit, exit, "{stderr}");
            assert!(failure.hint.is_some());
        }
    }
}
