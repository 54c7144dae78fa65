//! `edu db index`: built, watched, recovered, and proved to find.

mod build;
mod recover;
mod shop;
