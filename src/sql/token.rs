//! PostgreSQL's tokens with their places, on squawk's lexer.
//!
//! The lexer reads one string constant at a time; PostgreSQL joins constants that are parted by a
//! line end, and an `E''` constant keeps its escapes in the continued lines. That is mended here.

use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// What a token is, as far as splitting and looking at statements needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whitespace.
    Space,
    /// A `--` comment, without its line end.
    LineComment,
    /// A `/* */` comment.
    BlockComment,
    /// A keyword or an unquoted identifier.
    Word,
    /// A `"quoted"` identifier.
    QuotedIdent,
    /// Any string constant, dollar quotes included.
    Text,
    /// A number or a `$1`.
    Value,
    /// `;`
    Semicolon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `\`, which SQL does not know outside constants: psql does.
    Backslash,
    /// A character that is, or may be, part of an operator.
    Operator,
    /// Something opened and never closed. What it is, for a message.
    OpenEnded(&'static str),
}

impl Kind {
    /// Whether the token has no meaning for the server.
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::Space | Self::LineComment | Self::BlockComment)
    }
}

/// One token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is. Units: bytes.
    pub span: Range<usize>,
}

/// All tokens of `text`, in order and without a gap. The iterator's `text` is the whole of it.
pub fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    Tokens {
        text,
        at: 0,
        lexer: Box::new(tokenize(text)),
    }
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    lexer: Box<dyn Iterator<Item = squawk_lexer::Token> + 'a>,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let token = self.lexer.next()?;
        let start = self.at;
        let mut end = start + token.len as usize;
        let mut kind = kind(token.kind, &self.text[start..end]);
        if matches!(
            token.kind,
            TokenKind::Literal {
                kind: LiteralKind::EscStr { terminated: true }
            }
        ) {
            let continued = continued_escape(self.text, end);
            match continued {
                Some(Ok(to)) => end = to,
                Some(Err(())) => {
                    end = self.text.len();
                    kind = Kind::OpenEnded("string");
                }
                None => {}
            }
            if continued.is_some() {
                self.lexer = Box::new(tokenize(&self.text[end..]));
            }
        }
        self.at = end;
        Some(Token {
            kind,
            span: start..end,
        })
    }
}

fn kind(kind: TokenKind, text: &str) -> Kind {
    match kind {
        TokenKind::Whitespace => Kind::Space,
        TokenKind::LineComment => Kind::LineComment,
        TokenKind::BlockComment { terminated: true } => Kind::BlockComment,
        TokenKind::BlockComment { terminated: false } => Kind::OpenEnded("comment"),
        TokenKind::Ident => Kind::Word,
        TokenKind::QuotedIdent {
            terminated: true, ..
        } => Kind::QuotedIdent,
        TokenKind::QuotedIdent {
            terminated: false, ..
        } => Kind::OpenEnded("quoted identifier"),
        TokenKind::Literal { kind } => literal(kind),
        TokenKind::PositionalParam { .. } => Kind::Value,
        TokenKind::Semi => Kind::Semicolon,
        TokenKind::OpenParen => Kind::Open,
        TokenKind::CloseParen => Kind::Close,
        TokenKind::Comma => Kind::Comma,
        TokenKind::Dot => Kind::Dot,
        TokenKind::Unknown if text == "\\" => Kind::Backslash,
        _ => Kind::Operator,
    }
}

fn literal(kind: LiteralKind) -> Kind {
    match kind {
        LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => Kind::Value,
        LiteralKind::DollarQuotedString { terminated: false } => {
            Kind::OpenEnded("dollar-quoted string")
        }
        LiteralKind::Str { terminated }
        | LiteralKind::NationalStr { terminated }
        | LiteralKind::ByteStr { terminated }
        | LiteralKind::BitStr { terminated }
        | LiteralKind::DollarQuotedString { terminated }
        | LiteralKind::UnicodeEscStr { terminated }
        | LiteralKind::EscStr { terminated } => match terminated {
            true => Kind::Text,
            false => Kind::OpenEnded("string"),
        },
    }
}

/// Where an `E''` constant ends that is continued on later lines; `None` when it is not continued.
fn continued_escape(text: &str, mut at: usize) -> Option<Result<usize, ()>> {
    let mut continued = None;
    while let Some(quote) = continuation(text, at) {
        match escaped_end(text, quote + 1) {
            Some(end) => at = end,
            None => return Some(Err(())),
        }
        continued = Some(Ok(at));
    }
    continued
}

/// The opening quote after a line end, with nothing but spaces and line comments before it.
/// Source: `whitespace_with_newline` in PostgreSQL's scan.l.
fn continuation(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut here = at;
    let mut seen_line_end = false;
    loop {
        match bytes.get(here)? {
            b'\n' | b'\r' => seen_line_end = true,
            b' ' | b'\t' | 0x0b | 0x0c => {}
            b'-' if seen_line_end && bytes.get(here + 1) == Some(&b'-') => {
                here += text[here..].find(['\n', '\r'])?;
            }
            b'\'' if seen_line_end => return Some(here),
            _ => return None,
        }
        here += 1;
    }
}

/// The end of an escape string whose opening quote has been read.
fn escaped_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut here = from;
    loop {
        match bytes.get(here)? {
            b'\\' => here += 1,
            b'\'' if bytes.get(here + 1) == Some(&b'\'') => here += 1,
            b'\'' => return Some(here + 1),
            _ => {}
        }
        here += 1;
    }
}

/// The value of a string constant without escapes, or of an identifier: quotes taken off, case folded.
pub fn identifier(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Word => Some(text.to_ascii_lowercase()),
        Kind::QuotedIdent if text.starts_with('"') => {
            Some(text[1..text.len() - 1].replace("\"\"", "\""))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text)
            .map(|token| token.kind)
            .filter(|kind| !kind.is_trivia())
            .collect()
    }

    #[test]
    fn an_escape_string_keeps_its_escapes_on_the_next_line() {
        let text = "E'a'\n  'b\\';c' ;";
        assert_eq!(kinds(text), [Kind::Text, Kind::Semicolon]);
        assert_eq!(
            kinds("E'a' 'b\\';"),
            [Kind::Text, Kind::Text, Kind::Semicolon]
        );
        assert_eq!(kinds("E'a'\n-- it's\n'b\\''"), [Kind::Text]);
    }

    #[test]
    fn a_continued_escape_string_can_be_open_ended() {
        assert_eq!(kinds("E'a'\n'b\\'"), [Kind::OpenEnded("string")]);
    }

    #[test]
    fn comment_signs_end_an_operator() {
        assert_eq!(
            kinds("1 +--x\n2 */*;*/ 3"),
            [
                Kind::Value,
                Kind::Operator,
                Kind::Value,
                Kind::Operator,
                Kind::Value
            ]
        );
    }
}
