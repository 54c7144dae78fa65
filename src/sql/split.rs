//! Splitting an SQL text into its statements, without a loss and without a server.
//!
//! It finds where statements end; whether they are right is the server's to say. psql's own language
//! (`\` lines, COPY data) is refused: edu sends SQL, and half a dump is worse than none. The one
//! exception is the `\restrict` pair that pg_dump writes, which means nothing outside psql.

use std::ops::Range;

use super::Source;
use super::token::{Kind, Token, tokens};
use super::transaction::copies_through_client;
use crate::failure::{Failure, Result};

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement with the comments and spaces before it. Units: bytes of the whole text. The spans
    /// of all statements and [`Script::rest`] follow each other without a gap.
    pub span: Range<usize>,
    /// From the first token to the `;`, both included. Units: bytes of the whole text.
    pub body: Range<usize>,
    /// The line of the body's first token. Units: counts from 1.
    pub line: usize,
    /// The body's text: what is sent.
    pub text: String,
    /// The first word in upper case; empty when the statement starts with something else.
    pub keyword: String,
}

/// A text, split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The statements in their order. Comments alone, and a `;` alone, are not statements.
    pub statements: Vec<Statement>,
    /// What follows the last statement: spaces and comments. Units: bytes of the whole text.
    pub rest: Range<usize>,
    /// The `\restrict` and `\unrestrict` lines, which are not SQL. Units: bytes of the whole text.
    pub dropped: Vec<Range<usize>>,
}

impl Script {
    /// The whole `text` with the dropped lines blanked, so that the server's positions stay true.
    pub fn sendable(&self, text: &str) -> String {
        let mut sendable = text.to_owned();
        for span in &self.dropped {
            sendable.replace_range(span.clone(), &" ".repeat(span.len()));
        }
        sendable
    }
}

/// Splits a text into statements.
///
/// # Errors
/// Exit 2 with the place of: a NUL byte; a string, comment, quoted identifier, parenthesis or
/// `BEGIN ATOMIC` that is never closed; a psql meta-command; COPY through the client.
pub fn split(source: Source<'_>) -> Result<Script> {
    if let Some(at) = source.text.find('\0') {
        return Err(source
            .failure(
                at..at + 1,
                format!("\"{}\" has a NUL byte", source.path),
                "here",
            )
            .detail("The server would take the text as ended there."));
    }
    let mut splitter = Splitter::new(source);
    for token in tokens(source.text) {
        splitter.take(&token)?;
    }
    splitter.finish()
}

/// How far into a `CREATE FUNCTION … BEGIN ATOMIC` a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Routine {
    /// Not (yet) a routine; so many words of `CREATE OR REPLACE FUNCTION` have been seen.
    Prefix(u8),
    /// Some other statement.
    No,
    /// A routine's definition, before its body.
    Head,
    /// In the body that opened at the byte.
    Body(usize),
}

/// What the token before was, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Begin(usize),
    StatementStart,
    Other,
}

struct Splitter<'a> {
    source: Source<'a>,
    script: Script,
    span_start: usize,
    body: Option<Range<usize>>,
    open: Vec<usize>,
    routine: Routine,
    before: Before,
    counted: (usize, usize),
    skip_until: usize,
    restrict: Option<(String, Range<usize>)>,
}

impl<'a> Splitter<'a> {
    fn new(source: Source<'a>) -> Self {
        Self {
            source,
            script: Script::default(),
            span_start: 0,
            body: None,
            open: Vec::new(),
            routine: Routine::Prefix(0),
            before: Before::Other,
            counted: (0, 1),
            skip_until: 0,
            restrict: None,
        }
    }

    fn take(&mut self, token: &Token) -> Result<()> {
        if token.kind.is_trivia() || token.span.start < self.skip_until {
            return Ok(());
        }
        match token.kind {
            Kind::Backslash => return self.meta_command(token.span.start),
            Kind::OpenEnded(what) => return Err(self.never_closed(token.span.start, what)),
            Kind::Semicolon if self.body.is_none() => return Ok(()),
            _ => {}
        }
        let body = self.body.get_or_insert_with(|| token.span.clone());
        body.end = token.span.end;
        let before = std::mem::replace(&mut self.before, Before::Other);
        match token.kind {
            Kind::Open => self.open.push(token.span.start),
            Kind::Close => drop(self.open.pop()),
            Kind::Word if self.open.is_empty() => self.word(token, before),
            Kind::Semicolon if self.open.is_empty() => match self.routine {
                Routine::Body(_) => self.before = Before::StatementStart,
                _ => return self.end_statement(),
            },
            _ if matches!(self.routine, Routine::Prefix(_)) => self.routine = Routine::No,
            _ => {}
        }
        Ok(())
    }

    /// Follows `CREATE [OR REPLACE] FUNCTION|PROCEDURE … BEGIN ATOMIC …; END`. Each statement of such
    /// a body ends in `;`, so the body's own END is the one after a `;`: no CASE … END is.
    fn word(&mut self, token: &Token, before: Before) {
        let word = &self.source.text[token.span.clone()];
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match self.routine {
            Routine::Prefix(seen) => {
                self.routine = match seen {
                    0 if is("create") => Routine::Prefix(1),
                    1 if is("or") => Routine::Prefix(2),
                    2 if is("replace") => Routine::Prefix(3),
                    1 | 3 if is("function") || is("procedure") => Routine::Head,
                    _ => Routine::No,
                };
            }
            Routine::No => {}
            Routine::Head if is("begin") => self.before = Before::Begin(token.span.start),
            Routine::Head => {
                if let (Before::Begin(at), true) = (before, is("atomic")) {
                    self.routine = Routine::Body(at);
                    self.before = Before::StatementStart;
                }
            }
            Routine::Body(_) if before == Before::StatementStart && is("end") => {
                self.routine = Routine::No;
            }
            Routine::Body(_) => {}
        }
    }

    fn end_statement(&mut self) -> Result<()> {
        let Some(body) = self.body.take() else {
            return Ok(());
        };
        let text = &self.source.text[body.clone()];
        if let Some(place) = copies_through_client(text) {
            let place = body.start + place.start..body.start + place.end;
            return Err(self
                .source
                .failure(place, format!("\"{}\" copies through psql", self.source.path), "here")
                .detail("COPY with stdin or stdout needs a client that sends or takes the rows; edu sends SQL only.")
                .hint("Write the rows as INSERT, or put them into seeds/."));
        }
        let keyword: String = text
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let line = self.line(body.start);
        self.script.statements.push(Statement {
            span: self.span_start..body.end,
            line,
            text: text.to_owned(),
            keyword: keyword.to_uppercase(),
            body: body.clone(),
        });
        self.span_start = body.end;
        self.routine = Routine::Prefix(0);
        self.before = Before::Other;
        Ok(())
    }

    fn finish(mut self) -> Result<Script> {
        if let Some(at) = self.open.last() {
            return Err(self.never_closed(*at, "parenthesis"));
        }
        if let Routine::Body(at) = self.routine {
            return Err(self.never_closed(at, "BEGIN ATOMIC"));
        }
        self.end_statement()?;
        if let Some((_, span)) = self.restrict {
            return Err(self
                .source
                .failure(
                    span,
                    "\\restrict was never followed by its \\unrestrict",
                    "here",
                )
                .hint("Take the line out: it means nothing outside psql."));
        }
        self.script.rest = self.span_start..self.source.text.len();
        Ok(self.script)
    }

    /// The line of the byte `at`; each call starts where the last one stopped.
    fn line(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let line = line
            + self.source.text[from..at]
                .bytes()
                .filter(|byte| *byte == b'\n')
                .count();
        self.counted = (at, line);
        line
    }

    fn never_closed(&self, at: usize, what: &str) -> Failure {
        let error = format!("\"{}\" has a {what} that is never closed", self.source.path);
        self.source.failure(at..at + 1, error, "it opens here")
    }

    fn meta_command(&mut self, at: usize) -> Result<()> {
        let rest = &self.source.text[at..];
        let line = rest.lines().next().unwrap_or(rest);
        let span = at..at + line.len();
        let refused = || {
            let command: String = line
                .chars()
                .take_while(|c| !c.is_whitespace() && !c.is_control())
                .collect();
            self.source
                .failure(
                    at..at + command.len(),
                    format!("\"{}\" has a psql command", self.source.path),
                    "this is not SQL",
                )
                .detail(format!(
                    "{command} is understood by psql alone; edu sends SQL only."
                ))
                .hint("Take the line out, or write it in SQL.")
        };
        let mut words = line.split_whitespace();
        let (command, key, more) = (words.next(), words.next(), words.next());
        let key = key
            .filter(|key| key.chars().all(|c| c.is_ascii_alphanumeric()) && more.is_none())
            .filter(|_| self.body.is_none() && self.open.is_empty());
        let expected = self.restrict.as_ref().map(|(key, _)| key.as_str());
        match (command, key, expected) {
            (Some("\\restrict"), Some(key), None) => {
                self.restrict = Some((key.to_owned(), span.clone()));
            }
            (Some("\\unrestrict"), Some(key), Some(expected)) if key == expected => {
                self.restrict = None;
            }
            _ => return Err(refused()),
        }
        self.skip_until = span.end;
        self.script.dropped.push(span);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
