//! Claims about the whole of edu, on real servers that the tests start themselves.
//!
//! One program, so that it is linked once. `EDU_TEST_MAJOR` chooses the PostgreSQL major (17).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::print_stdout,
    reason = "the harness shows it with a failed test"
)]

mod access;
mod backup;
mod bad_input;
mod baseline;
mod bootstrap;
mod content;
mod crowd;
mod drift;
mod effect;
mod engine;
mod forms;
mod generate;
mod graph;
mod hostile;
mod image;
mod import_history;
mod isolation_speed;
mod journal;
mod kill;
mod lock_loss;
mod migrate;
mod outage;
mod plan;
mod pooler;
mod readme;
mod rls;
mod rollback;
mod roundtrip;
mod secrets;
mod seed;
#[rustfmt::skip] // A document's words.
mod snippet;
mod speed;
mod support;
mod systems;
mod testdb;
mod upkeep;
mod vectors;
mod verify;
mod way_back;
