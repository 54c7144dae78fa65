//! Claims about the whole of edu, on real servers that the tests start themselves.
//!
//! One program, so that it is linked once. `EDU_TEST_MAJOR` chooses the PostgreSQL major (17).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::print_stdout,
    reason = "the harness shows it with a failed test"
)]

mod bad_input;
mod bootstrap;
mod content;
mod crowd;
mod drift;
mod engine;
mod generate;
mod image;
mod journal;
mod kill;
mod migrate;
mod pooler;
mod readme;
mod secrets;
mod speed;
mod support;
mod vectors;
mod verify;
