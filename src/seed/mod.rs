//! What seed rows hold that stands in no file: hashes, keys, vectors, and whole generated databases.
//!
//! Values in, values out; but for random bytes nothing here comes from outside.

pub mod embed;
pub mod scale;
pub mod secret;
