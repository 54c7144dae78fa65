//! Claims about the whole of edu, on real servers that the tests start themselves.
//!
//! One program, so that it is linked once. `EDU_TEST_MAJOR` chooses the PostgreSQL major (17).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod bootstrap;
mod content;
mod image;
mod migrate;
mod readme;
mod support;
mod vectors;
