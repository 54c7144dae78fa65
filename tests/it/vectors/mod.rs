//! `edu db index`: built, watched, recovered, and proved to find.

mod build;
mod partition;
mod recall;
mod recover;
mod shop;
mod swap;
