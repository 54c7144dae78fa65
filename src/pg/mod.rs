//! Everything that speaks to PostgreSQL, over sqlx and nothing else.
//!
//! It takes values from `spec`, returns values or a failure, and reports progress; it prints
//! nothing and reads no file.

pub mod archive;
pub mod backup;
pub mod bootstrap;
pub mod cancel;
pub mod concurrent;
pub mod connect;
pub mod database;
pub mod embed;
pub mod error;
pub mod facts;
pub mod foreign;
pub mod graph;
pub mod holder;
pub mod image;
pub mod index;
pub mod inspect;
pub mod lock;
pub mod maintain;
pub mod message;
pub mod migrate;
mod pooler;
pub mod protect;
pub mod rls;
pub mod scratch;
pub mod seed;
pub mod session;
pub mod testdb;
pub mod top;
pub mod work;

/// Takes the rights on edu's own tables away again that a project's default privileges gave to others with
/// their creation. Run after whatever makes one.
const PRIVATE: &str = include_str!("private.sql");

pub use cancel::Cancel;
pub use connect::Server;
pub use work::Work;
