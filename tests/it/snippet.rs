//! The Rust snippet of docs/testdb.md, compiled as it stands there; `just testdb-snippets` runs it.

#![expect(clippy::print_stderr, reason = "that of a reader's test")]

// The document begins here.
use edu::testdb::{Database, Options};

#[tokio::test]
#[ignore = "starts the project's own server, and needs its login: just testdb-snippets"]
async fn a_note_is_found_again() {
    let options = Options { tell: |text| eprintln!("{text}"), ..Options::default() };
    let database = Database::create(&options).unwrap();
    let pool = sqlx::PgPool::connect(&database.url_as("app_login")).await.unwrap();
    // …
    pool.close().await;
}   // dropped here; kept and named when the test panics
