//! SQL texts: tokens, statements, their offsets, header comments. No server, no file.
//!
//! A text comes with the path the user knows it by, as a [`Source`], so that every problem can point
//! at file, line and column.

pub mod body;
pub mod concurrent;
pub mod duration;
pub mod effect;
pub mod fingerprint;
pub mod hazard;
pub mod header;
pub mod lock;
pub mod reader;
pub mod rule;
pub mod size;
pub mod split;
pub mod target;
pub mod token;
pub mod transaction;
pub mod unfold;

use std::ops::Range;

use crate::failure::{Excerpt, Failure};

/// A text and the path it is known by.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's path as the user knows it.
    pub path: &'a str,
    /// The whole text.
    pub text: &'a str,
}

impl Source<'_> {
    /// A failure of exit 2 that points at `span`, with `label` under the caret. Units: bytes.
    pub fn failure(
        &self,
        span: Range<usize>,
        error: impl Into<String>,
        label: impl Into<String>,
    ) -> Failure {
        Failure::usage(error).at(Excerpt {
            path: self.path.to_owned(),
            text: self.text.to_owned(),
            span,
            label: label.into(),
        })
    }
}
