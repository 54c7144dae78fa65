//! Findings as text: for people, and in the formats that CI systems read. Pure: a text comes out, and
//! the printer or a file takes it.

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::Result;
use crate::finding::Findings;

/// A report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines; versioned.
    Json,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub Actions' annotations.
    Github,
    /// Markdown, for a comment or a job summary.
    Markdown,
}

/// A format and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub format: Format,
    /// The file; none for stdout.
    pub file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    /// Reads `FORMAT` or `FORMAT=FILE`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("a file name is missing after \"=\"".to_owned()),
            Some((format, file)) => (format, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = <Format as clap::ValueEnum>::from_str(format, false).map_err(|_| {
            format!("\"{format}\" is no format: text, json, junit, sarif, github, markdown")
        })?;
        Ok(Self { format, file })
    }
}

/// Renders `findings`.
///
/// # Errors
/// Exit 70 when they cannot be written in the format.
pub fn render(findings: &Findings, format: Format) -> Result<String> {
    match format {
        Format::Text => Ok(text::render(findings)),
        Format::Json => json::render(findings),
        Format::Junit => Ok(junit::render(findings)),
        Format::Sarif => sarif::render(findings),
        Format::Github => Ok(github::render(findings)),
        Format::Markdown => Ok(markdown::render(findings)),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
