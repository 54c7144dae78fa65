//! The graph without a server: what an ontology wants of a database, how what was found differs from
//! that, and the statements that lead from one to the other.
//!
//! Nothing here speaks to a database, reads a file or prints. `pg::graph` fills [`live::Live`], runs
//! the steps of [`compare::compare`] and the queries of [`integrity`]. Every form works on AGE 1.5 and
//! 1.8 alike: names go in as literals, operators are written with their schema, and nothing depends on
//! `search_path`.

pub mod advice;
pub mod code;
pub mod compare;
pub mod cypher;
pub mod expression;
pub mod finding;
pub mod integrity;
pub mod lint;
pub mod live;
pub mod query;
pub mod schema;
pub mod synthetic;
pub mod transfer;

pub use finding::{Finding, Phase, Severity, Step};
