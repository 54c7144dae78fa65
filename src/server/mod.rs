//! The embedded server: PostgreSQL + Apache AGE + pgvector, private to this machine and project.
//!
//! [`runtime`] finds the programs or has [`install`] fetch them: [`apt`] drives the host's own
//! `apt-get` with private state and tells it what is [`wanted`], [`mirror`] reads which Debian mirror
//! the host uses, [`elf`] points the unpacked programs at the unpacked loader. [`cluster`] owns a
//! project's data directory and [`start`] brings it up: [`settings`] renders its configuration and
//! picks its port, [`launch`] starts a postmaster and words why it did not, [`postmaster`] reads what runs. [`ephemeral`] and [`guard`] run servers
//! that end with their user. [`account`] and [`place`] decide as whom and where.
//!
//! Nothing here prints, reads the environment, or speaks SQL: it reports through
//! [`crate::progress::Report`] and gets a [`crate::config::Environment`]. All of it is synchronous;
//! an async caller wraps it in `spawn_blocking`.

pub mod account;
pub mod apt;
mod apt_failure;
pub mod cluster;
pub mod elf;
pub mod ephemeral;
pub mod guard;
mod initdb;
pub mod install;
pub mod launch;
pub mod machine;
pub mod mirror;
mod order;
pub mod place;
pub mod postmaster;
pub mod recover;
mod room;
pub mod runtime;
pub mod settings;
pub mod start;
mod unpack;
pub mod url;
pub mod wanted;

pub use cluster::{Cluster, Status};
pub use ephemeral::Ephemeral;
pub use order::lock_file;
pub use runtime::Runtime;
pub use start::Start;

/// What to do when edu cannot provide a server itself. Ends hints.
pub const WAYS_OUT: &str = "Other ways: install PostgreSQL with the packages \
     postgresql-N-age and postgresql-N-pgvector, build our image (edu image build), or give a URL \
     (DATABASE_URL).";
