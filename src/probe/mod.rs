//! Engine probe: attempts, derived from the access matrix alone, and what follows from their outcomes.
//!
//! Pure: rows, statements and verdicts are values; `pg::rls` makes the attempts, in one transaction that is rolled back.

pub mod attempt;
mod call;
pub mod enter;
pub mod escape;
mod foreign;
pub mod graph;
mod graph_attempt;
mod graph_value;
mod row;
pub mod shape;
mod table;
pub mod transcript;
pub mod value;
pub mod verdict;
pub mod world;
