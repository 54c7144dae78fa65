//! `edu db rls`: static checks, proof and attempts.

use crate::support::{Template, database};

#[test]
fn the_project_itself_is_clean() {
    let db = database(Template::Migrated);
    db.edu(&["db", "rls", "--engine", "static,proof"]).expect(0);
}
