//! What the project's files want: parsed and checked, values in and values out.
//!
//! No file is opened here: `project` hands over paths and texts. Every problem is a [`Failure`]
//! that names file, line and column.
//!
//! [`Failure`]: crate::failure::Failure

pub mod access;
pub mod concurrent;
pub mod document;
pub mod entries;
pub mod fixture;
pub mod manifest;
pub mod migration;
pub mod ontology;
pub mod property;
pub mod query;
pub mod scale;
pub mod seed;
pub mod vectors;
