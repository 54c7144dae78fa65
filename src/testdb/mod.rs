//! Test databases.

mod fill;
mod host;
pub mod site;

pub use site::{Seeds, Site};
