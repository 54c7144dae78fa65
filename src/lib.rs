//! edu keeps PostgreSQL + Apache AGE + pgvector databases true to a spec.
//!
//! `ARCHITECTURE.md` draws the map. The pure modules (`spec`, `sql`, `plan`, …) turn values into
//! values; the effects (`project`, `pg`, `server`, `ui`) touch files, servers and the terminal; the
//! commands join them.

pub mod backup;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod commands;
pub mod config;
pub mod diff;
pub mod expected;
pub mod explain;
pub mod failure;
pub mod finding;
pub mod graph;
pub mod lint;
pub mod pg;
pub mod plan;
pub mod posture;
pub mod probe;
pub mod progress;
pub mod project;
pub mod proof;
pub mod render;
pub mod report;
pub mod secret;
pub mod seed;
pub mod server;
pub mod spec;
pub mod sql;
pub mod testdb;
pub mod ui;
pub mod vector;
