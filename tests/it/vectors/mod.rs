//! `edu db index`: built, watched, recovered, and proved to find.

mod build;
mod crash;
mod embed;
mod partition;
mod recall;
mod recover;
mod search;
mod shop;
mod swap;
