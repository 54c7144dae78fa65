//! What this repository's project gives on a server.

use crate::support::{Template, database};

#[test]
fn every_table_is_there_and_protected() {
    let db = database(Template::Migrated);
    let tables = db.one(
        "SELECT count(*) || ' ' || count(*) FILTER (WHERE relrowsecurity) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'refinery_schema_history'",
    );
    assert_eq!(tables, "16 16");
}
