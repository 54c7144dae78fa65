//! A checksum that only a real change of a text changes.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::token::{Kind, tokens};

/// The checksum of `text` without comments, and with all spaces and line ends alike.
///
/// Operators stay apart as they were (`a < -1` is not `a <- 1`). String constants and function bodies
/// count to the letter, save that CRLF counts as LF: the server stores them.
///
/// # Shape
/// 64 lower-case hexadecimal digits.
pub fn fingerprint(text: &str) -> String {
    let mut hasher = Sha256::new();
    let mut operator_end = None;
    for token in tokens(text) {
        if token.kind.is_trivia() {
            continue;
        }
        let joined = token.kind == Kind::Operator && operator_end == Some(token.span.start);
        if !joined {
            hasher.update([0x1f]);
        }
        hasher.update(text[token.span.clone()].replace("\r\n", "\n"));
        operator_end = (token.kind == Kind::Operator).then_some(token.span.end);
    }
    hexadecimal(hasher)
}

/// The plain SHA-256 checksum of `text`, to the letter.
///
/// # Shape
/// 64 lower-case hexadecimal digits.
pub fn checksum(text: &str) -> String {
    bytes_checksum(text.as_bytes())
}

/// The same of bytes.
pub fn bytes_checksum(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

fn hexadecimal(hasher: Sha256) -> String {
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_spaces_and_line_ends_do_not_count() {
        let one = fingerprint("create table t (a int); -- x\n");
        assert_eq!(one, fingerprint("/* y */ create\r\n  table t(a int) ;"));
        assert_eq!(one.len(), 64);
    }

    #[test]
    fn words_operators_and_constants_count() {
        let differ = |a: &str, b: &str| assert_ne!(fingerprint(a), fingerprint(b), "{a} {b}");
        differ("select ab", "select a b");
        differ("select a <- 1", "select a < - 1");
        differ("select 'a  b'", "select 'a b'");
        differ("select $$ -- a $$", "select $$ -- b $$");
        assert_eq!(fingerprint("select a<=1"), fingerprint("select a <= 1"));
        assert_eq!(fingerprint("select 'a\r\nb'"), fingerprint("select 'a\nb'"));
    }
}
