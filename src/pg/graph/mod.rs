//! The graph on a server: made, verified, checked, repaired, loaded, dumped, asked.
//!
//! What is wanted and how it differs from what is there is decided in [`crate::graph`]; this is where
//! it is read and run.

pub mod agtype;
pub mod apply;
pub mod check;
pub mod dump;
pub mod inspect;
pub mod load;
pub mod prove;
pub mod query;
pub mod repair;
pub mod verify;

pub use apply::{Options, Outcome, apply, missing};
