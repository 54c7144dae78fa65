//! `edu db migrate` and `edu db status`.

use crate::support::{Template, database};

#[test]
fn migrating_twice_changes_nothing_the_second_time() {
    let db = database(Template::Migrated);
    let run = db.edu(&["db", "migrate"]).expect(0);
    assert_eq!(run.stdout, "nothing to do\n");
}
