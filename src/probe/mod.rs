//! Engine probe: attempts, derived from the access matrix alone, and what follows from their outcomes.
//!
//! Pure: rows, statements and verdicts are values; `pg::rls` makes the attempts, in one transaction that is rolled back.

pub mod attempt;
pub mod escape;
pub mod graph;
pub mod shape;
pub mod transcript;
pub mod value;
pub mod verdict;
pub mod world;
