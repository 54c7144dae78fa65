//! Backups as files: their names, what is written down beside them, how long they are kept, and the
//! client programs that make and read them.
//!
//! A dump is `pg_dump`'s custom format. Beside it stands a record of what the database held at that
//! moment, so that a restore can be held against it. A dump has its name only when it is whole, and so
//! has a restored database.

pub mod base;
pub mod listing;
pub mod program;
pub mod record;
pub mod restore;
pub mod store;
pub mod take;

pub use record::Record;
pub use store::Store;
