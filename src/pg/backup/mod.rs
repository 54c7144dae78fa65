//! The server's side of a backup: what is written down beside a dump, and what a restored database is
//! held against. The dump itself is `pg_dump`'s, see [`crate::backup`].

pub mod prove;
pub mod role;
pub mod stock;
pub mod target;

pub use stock::Stock;
