//! Test databases for Rust tests, and for `edu testdb`.
//!
//! A [`Database`] is a copy of a template: the project's migrations, graph, vector indexes and seed rows
//! on a server, verified against its spec. The template is built once per state of the project's files,
//! however many tests and processes ask for it at once; a copy takes some tens of milliseconds. The
//! database is dropped with its value, kept and named when its test panics, and collected by the next
//! test run when its process was killed.
//!
//! ```no_run
//! use edu::testdb::{Database, Options};
//!
//! # fn main() -> Result<(), edu::failure::Failure> {
//! let database = Database::create(&Options::default())?;
//! // The application's login is bound by the policies; the plain URL's is the one that made it.
//! let url = database.url_as("app_login");
//! // sqlx::PgPool::connect(&url).await?; …
//! # Ok(())
//! # }
//! ```
//!
//! A test that changes roles or settings of the server asks for a server of its own, which starts from
//! a copy of a stopped one:
//!
//! ```no_run
//! use edu::testdb::{Database, Options, Place};
//!
//! # fn main() -> Result<(), edu::failure::Failure> {
//! let options = Options {
//!     place: Place::Own { edu: None },
//!     ..Options::default()
//! };
//! let database = Database::create(&options)?;
//! # Ok(())
//! # }
//! ```

mod database;
mod fill;
mod host;
pub mod own;
pub mod site;

pub use database::{Database, Options, Place};
pub use site::{Seeds, Site};
