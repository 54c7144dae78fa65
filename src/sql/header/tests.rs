//! Claims about header comments.

use super::*;

fn read(text: &str) -> Result<Header> {
    header(Source {
        path: "x.sql",
        text,
    })
}

fn refusal(text: &str) -> (Failure, (usize, usize)) {
    let failure = read(text).unwrap_err();
    let place = failure.excerpt.as_ref().unwrap().position();
    (failure, place)
}

#[test]
fn every_directive_is_read() {
    let header = read(
        "-- edu: no-transaction\n-- Intent: x\n--edu: lock-timeout 2s  \n-- edu: statement-timeout 5min\n\
         /* x */\n-- edu: role \"App\"\n-- edu: irreversible\n\
         -- edu: allow drop-column reason=\"nobody \"reads\" it\"\nselect 1;",
    )
    .unwrap();
    assert!(header.no_transaction && header.irreversible);
    assert_eq!(header.lock_timeout.unwrap().as_ms(), 2_000);
    assert_eq!(header.statement_timeout.unwrap().as_ms(), 300_000);
    assert_eq!(header.role, Some(Role::Named("App".into())));
    assert_eq!(header.allow[0].hazard, "drop-column");
    assert_eq!(header.allow[0].reason, "nobody \"reads\" it");
}

#[test]
fn the_bootstrap_step_asks_for_a_superuser() {
    assert_eq!(
        read("-- edu: role superuser\n").unwrap().role,
        Some(Role::Superuser)
    );
}

#[test]
fn other_comments_and_constants_are_no_directives() {
    let text =
        "-- education: x\n-- see edu: x\n/* -- edu: x */ select '-- edu: x', $$\n-- edu: x\n$$;";
    assert_eq!(read(text).unwrap(), Header::default());
}

#[test]
fn an_unknown_directive_is_pointed_at_with_the_nearest_one() {
    let (failure, place) = refusal("-- a\n-- edu: no-transation\n");
    assert_eq!(place, (2, 9));
    assert_eq!(
        failure.hint.as_deref(),
        Some("Did you mean `no-transaction`?")
    );
    assert!(refusal("-- edu: zebra").0.detail[0].contains("lock-timeout"));
    assert_eq!(refusal("-- edu:").1, (1, 8));
}

#[test]
fn repeated_and_malformed_directives_are_pointed_at() {
    for (text, place) in [
        ("-- edu: irreversible\n-- edu: irreversible\n", (2, 9)),
        ("-- edu: lock-timeout 2\n", (1, 22)),
        ("-- edu: lock-timeout\n", (1, 9)),
        ("-- edu: lock-timeout 0s\n", (1, 22)),
        ("-- edu: statement-timeout 2 weeks\n", (1, 27)),
        ("-- edu: no-transaction please\n", (1, 24)),
        ("-- edu: role\n", (1, 9)),
        ("-- edu: role App\n", (1, 14)),
        ("-- edu: allow\n", (1, 9)),
        ("-- edu: allow drop-column\n", (1, 15)),
        ("-- edu: allow drop-column reason=\" \"\n", (1, 15)),
        (
            "-- edu: allow a reason=\"x\"\n-- edu: allow a reason=\"y\"\n",
            (2, 15),
        ),
    ] {
        assert_eq!(refusal(text).1, place, "{text}");
    }
}

#[test]
fn a_directive_below_the_first_statement_is_an_error_not_ignored() {
    let (failure, place) = refusal("select 1;\n\n  -- edu: no-transaction\nselect 2;");
    assert_eq!(place, (3, 3));
    assert!(failure.error.contains("below the first statement"));
    assert_eq!(refusal("select 1; -- edu: irreversible").1, (1, 11));
}
