//! `edu db bootstrap`.

use crate::support::{Template, database};

#[test]
fn bootstrapping_twice_changes_nothing_the_second_time() {
    let db = database(Template::Bootstrapped);
    let run = db.edu(&["db", "bootstrap"]).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
}

#[test]
fn bootstrapping_again_brings_back_what_was_lost() {
    let db = database(Template::Bootstrapped);
    db.run("DROP EXTENSION pgcrypto");
    let run = db.edu(&["db", "bootstrap"]).expect(0);
    assert!(run.says("run again"), "{}", run.stdout);
    assert_eq!(
        db.one("SELECT count(*) FROM pg_extension WHERE extname = 'pgcrypto'"),
        "1"
    );
}
