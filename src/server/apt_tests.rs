//! What apt is told, and how its failures are worded.

use super::*;

fn wanted(suite: &'static str) -> Wanted {
    Wanted {
        major: 18,
        suite,
        architecture: "amd64",
    }
}

#[test]
fn the_hosts_proxy_is_kept_and_its_hooks_are_not() {
    let dump = "APT::Update::Post-Invoke:: \"rm -rf /\";\nAcquire::http::Proxy \"http://p:3128\";\n\
                Acquire::IndexTargets::deb::DEP-11 \"\";\nAcquire::AllowInsecureRepositories \"1\";\n";
    let text = configuration(dump, Path::new("/a b"), "arm64");
    assert!(text.contains("Acquire::http::Proxy \"http://p:3128\";"));
    assert!(
        !text.contains("Post-Invoke") && !text.contains("DEP-11") && !text.contains("Insecure")
    );
    assert!(text.contains("Dir::State::status \"/a b/status\";") && text.contains("\"arm64\""));
}

#[test]
fn the_total_is_read_from_what_apt_says() {
    assert_eq!(
        total_bytes("x\nNeed to get 41.1 MB of archives.\n"),
        Some(41_100_000)
    );
    assert_eq!(
        total_bytes("Need to get 1,024 kB/97.8 MB of archives.\n"),
        Some(1_024_000)
    );
    assert_eq!(total_bytes("Reading package lists..."), None);
}

#[test]
fn stable_is_read_with_its_security_fixes_and_signed() {
    let keys = [PathBuf::from("/k.gpg")];
    let text = sources(&wanted("trixie"), &Mirror::default(), &keys, true);
    assert!(
        text.contains("Suites: trixie-security") && text.contains("Suites: trixie trixie-updates")
    );
    assert_eq!(text.matches("Signed-By: /k.gpg").count(), 2);
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

#[test]
fn a_host_without_debians_keys_gets_the_package_that_has_them() {
    let empty = tempfile::tempdir().unwrap();
    let failure = keyrings(empty.path()).unwrap_err();
    assert!(failure.hint.unwrap().contains("debian-archive-keyring"));
}

#[test]
fn a_host_without_apt_gets_the_other_ways() {
    let failure = Tools::find(&Environment::default()).unwrap_err();
    assert!(failure.error.contains("apt-get"));
    assert!(failure.hint.unwrap().contains("DATABASE_URL"));
}
