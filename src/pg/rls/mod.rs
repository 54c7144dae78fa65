//! Row-level security on a server: reading what decides it, and attempting what it should refuse.

pub mod read;

pub use read::posture;
