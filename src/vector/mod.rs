//! What a vector index costs and owes: memory, time, size, progress, recall. Values in, values out.
//!
//! It knows pgvector's data structures and nothing of a server: `pg::index` reads the facts, asks
//! here what follows from them, and does it.

pub mod announce;
pub mod definition;
pub mod leftover;
pub mod machine;
pub mod memory;
pub mod meter;
pub mod recall;
pub mod release;
pub mod settings;
pub mod target;
