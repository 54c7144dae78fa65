//! `-- edu:` comments at the top of an SQL file: how the file wants to be run.
//!
//! They stand before the first statement. One further down would look as if it held for the statement
//! below it, so it is an error, as is every word that edu does not know.

use std::ops::Range;

use super::Source;
use super::duration::Duration;
use super::token::{Kind, Token, tokens};
use crate::failure::{Failure, Result};

/// The directives, as they are written.
const WORDS: [&str; 6] = [
    "no-transaction",
    "lock-timeout",
    "statement-timeout",
    "role",
    "irreversible",
    "allow",
];

/// Who runs a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The bootstrap step: a superuser.
    Superuser,
    /// The named role, as the catalog spells it.
    Named(String),
}

/// A hazard that the file takes on, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The hazard's id, in kebab-case. Whether it exists is the linter's to say.
    pub hazard: String,
    /// The reason, never empty.
    pub reason: String,
    /// The hazard's place in the file. Units: bytes.
    pub span: Range<usize>,
}

/// What the top of a file says. Without any directive: all defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The file's statements run one by one, each on its own.
    pub no_transaction: bool,
    /// How long one attempt waits for a lock; longer than nothing.
    pub lock_timeout: Option<Duration>,
    /// How long one statement may take; `0ms` is without limit.
    pub statement_timeout: Option<Duration>,
    /// Who runs it; default: the project's owner.
    pub role: Option<Role>,
    /// There is no way back, and the author knows.
    pub irreversible: bool,
    /// Hazards taken on, in file order, each once.
    pub allow: Vec<Allow>,
}

/// Reads the `-- edu:` comments of a text.
///
/// # Errors
/// Exit 2 with the place of: an unknown or repeated directive, a malformed value, a directive after the
/// first statement.
pub fn header(source: Source<'_>) -> Result<Header> {
    let mut header = Header::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut at_top = true;
    for token in tokens(source.text) {
        if !token.kind.is_trivia() {
            at_top = false;
        }
        let Some(directive) = directive(source.text, &token) else {
            continue;
        };
        let word = &source.text[directive.word.clone()];
        if !at_top {
            return Err(source
                .failure(
                    token.span,
                    format!("`edu: {word}` stood below the first statement"),
                    "here",
                )
                .detail("A header comment holds for the whole file.")
                .hint("Move it to the top of the file."));
        }
        let Some(known) = WORDS.iter().copied().find(|known| *known == word) else {
            return Err(unknown(source, &directive));
        };
        if known != "allow" && seen.contains(&known) {
            return Err(source.failure(
                directive.word,
                format!("`edu: {word}` was given twice"),
                "again here",
            ));
        }
        seen.push(known);
        set(&mut header, source, known, &directive)?;
    }
    Ok(header)
}

/// Where a directive's parts are. Units: bytes of the text.
struct Directive {
    word: Range<usize>,
    value: Range<usize>,
}

fn directive(text: &str, token: &Token) -> Option<Directive> {
    if token.kind != Kind::LineComment {
        return None;
    }
    let comment = &text[token.span.clone()];
    let said = comment.strip_prefix("--")?.trim_start();
    let said = said.strip_prefix("edu:")?;
    let end = token.span.start + comment.trim_end().len();
    let said_at = token.span.end - said.len();
    let word_at = (said_at + said.len() - said.trim_start().len()).min(end);
    let word_end = text[word_at..end]
        .find(char::is_whitespace)
        .map_or(end, |at| word_at + at);
    let value = &text[word_end..end];
    let value_at = end - value.trim_start().len();
    Some(Directive {
        word: word_at..word_end,
        value: value_at..end,
    })
}

fn unknown(source: Source<'_>, directive: &Directive) -> Failure {
    let word = &source.text[directive.word.clone()];
    let failure = source.failure(
        directive.word.clone(),
        format!("header comment `edu: {word}` is not known"),
        "here",
    );
    let nearest = WORDS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3);
    match nearest {
        Some((_, known)) => failure.hint(format!("Did you mean `{known}`?")),
        None => failure.detail(format!("Known are: {}.", WORDS.join(", "))),
    }
}

fn set(header: &mut Header, source: Source<'_>, word: &str, directive: &Directive) -> Result<()> {
    let value = &source.text[directive.value.clone()];
    let place = match value {
        "" => directive.word.clone(),
        _ => directive.value.clone(),
    };
    let wrong = |error: String| source.failure(place.clone(), error, "here");
    match word {
        "no-transaction" | "irreversible" => {
            if !value.is_empty() {
                return Err(wrong(format!("`edu: {word}` takes no value")));
            }
            match word {
                "irreversible" => header.irreversible = true,
                _ => header.no_transaction = true,
            }
        }
        "lock-timeout" => {
            let timeout: Duration = value.parse().map_err(wrong)?;
            if timeout.is_zero() {
                return Err(wrong(
                    "a lock timeout of zero would wait without limit".to_owned(),
                ));
            }
            header.lock_timeout = Some(timeout);
        }
        "statement-timeout" => header.statement_timeout = Some(value.parse().map_err(wrong)?),
        "role" => header.role = Some(role(value).map_err(wrong)?),
        _ => {
            let allow = allow(source, directive)?;
            if header
                .allow
                .iter()
                .any(|other| other.hazard == allow.hazard)
            {
                let error = format!("hazard `{}` was allowed twice", allow.hazard);
                return Err(source.failure(allow.span, error, "again here"));
            }
            header.allow.push(allow);
        }
    }
    Ok(())
}

fn role(value: &str) -> std::result::Result<Role, String> {
    match value {
        "" => Err("`edu: role` needs a name: `role superuser` or a role of the project".to_owned()),
        "superuser" => Ok(Role::Superuser),
        _ => crate::catalog::name::parse_ident(value).map(Role::Named),
    }
}

/// Reads `<hazard> reason="…"`.
fn allow(source: Source<'_>, directive: &Directive) -> Result<Allow> {
    let value = &source.text[directive.value.clone()];
    let shape = || {
        source
            .failure(
                if value.is_empty() {
                    directive.word.clone()
                } else {
                    directive.value.clone()
                },
                "an allowance was not understood",
                "here",
            )
            .detail("It names one hazard and says why it is taken on.")
            .hint("Write: -- edu: allow <hazard> reason=\"…\"")
    };
    let (hazard, rest) = value.split_once(char::is_whitespace).ok_or_else(shape)?;
    let kebab = hazard
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let reason = rest
        .trim()
        .strip_prefix("reason=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .map(str::trim)
        .filter(|reason| kebab && !reason.is_empty())
        .ok_or_else(shape)?;
    let start = directive.value.start;
    Ok(Allow {
        hazard: hazard.to_owned(),
        reason: reason.to_owned(),
        span: start..start + hazard.len(),
    })
}

#[cfg(test)]
mod tests;
