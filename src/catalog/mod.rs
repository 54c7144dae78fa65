//! What a database holds, as values. Nothing here reads a database: `pg::inspect` does.

pub mod name;
