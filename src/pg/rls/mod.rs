//! Row-level security on a server: reading what decides it, and attempting what it should refuse.

mod attempt;
pub mod helper;
mod observe;
pub mod probe;
pub mod read;
mod seed;

pub use probe::{Manner, Probed, probe};
pub use read::posture;
