//! Claims about the whole of edu, on real servers that the tests start themselves.
//!
//! One program, so that it is linked once. `EDU_TEST_MAJOR` chooses the PostgreSQL major (17).

mod bootstrap;
mod content;
mod migrate;
mod rls;
mod support;
