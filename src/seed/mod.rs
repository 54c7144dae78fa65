//! What seed rows hold that stands in no file: hashes, keys, times.
//!
//! Values in, values out; but for random bytes nothing here comes from outside.

pub mod secret;
