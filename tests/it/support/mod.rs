//! One server per `cargo test` run, one template database per state, one clone per test.
//!
//! The server's guard ends it when `cargo` and every test process are gone, however they ended. A
//! clone is dropped when its test passes, and kept and named when it fails.

mod database;
mod plain;
mod process;
mod proxy;
mod run;
mod tcp;

pub use database::{Database, Session, Template, database, major, runtime, server};
pub use plain::Plain;
pub use process::{Running, WAIT_MAX, migrations, start, until};
pub use proxy::{Cut, Proxy};
pub use run::{Project, Run, command, edu};
pub use tcp::{own_server, tcp_server};
