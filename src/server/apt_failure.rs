//! Why apt-get failed, read from its stderr. Pure.

use super::WAYS_OUT;
use super::mirror::Mirror;
use super::wanted::Wanted;
use crate::failure::{Exit, Failure};

/// Words why apt-get failed.
pub(super) fn explain(stderr: &str, wanted: &Wanted, mirror: &Mirror) -> Failure {
    let says = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    let facts = stderr
        .lines()
        .filter(|line| {
            line.starts_with("E:")
                || line.starts_with("W: Failed")
                || line.starts_with("W: GPG")
                || line.contains("Depends:")
        })
        .take(4)
        .map(|line| {
            line.trim()
                .trim_start_matches("E: ")
                .trim_start_matches("W: ")
                .to_owned()
        });
    let (major, suite) = (wanted.major, wanted.suite);
    let mut failure = if says(&["No space left on device"]) {
        Failure::usage("the disk was full while packages were downloaded")
            .hint("Free 400 MB, or set XDG_CACHE_HOME to a directory with room.")
    } else if says(&[
        "NO_PUBKEY",
        "is not signed",
        "GPG error",
        "Missing key",
        "verification",
        "Sub-process /usr/bin/sqv",
    ]) {
        Failure::usage(format!("Debian {suite}'s signature could not be checked")).hint(format!(
            "Bring the keys up to date: apt-get install debian-archive-keyring. {WAYS_OUT}"
        ))
    } else if says(&[
        "resolving",
        "Could not connect",
        "Unable to connect",
        "Connection failed",
        "Failed to fetch",
        "Network is unreachable",
        "timed out",
        "does not have a Release file",
    ]) {
        Failure::new(
            Exit::Unreachable,
            format!(
                "the Debian mirror \"{}\" could not be reached",
                mirror.archive
            ),
        )
        .hint(format!(
            "Check the network or the proxy in apt's configuration, and run it again. {WAYS_OUT}"
        ))
    } else if says(&[
        "Unable to locate package",
        "unmet dependencies",
        "has no installation candidate",
        "Unable to correct problems",
        "held broken packages",
    ]) {
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
    failure.detail.extend(facts);
    failure
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
