//! Passwords in text that was not written for others to read: what somebody typed, what a server says it
//! is running.
//!
//! edu's own messages never hold one; this is for text that comes from elsewhere and is repeated.

/// What stands where a password stood.
const HIDDEN: &str = "…";

/// The text without the passwords of its URLs, and without what follows the word PASSWORD in SQL or in a
/// connection string.
pub fn hidden(text: &str) -> String {
    of_words(&of_urls(text))
}

/// `scheme://user:password@host` becomes `scheme://user:…@host`.
fn of_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after
            .find(|c: char| c.is_whitespace() || "'\"`<>".contains(c))
            .unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        out.push_str(before);
        out.push_str("://");
        // A password may hold a slash that was not encoded.
        let authority = url.find(['/', '?', '#']).map_or(url, |at| &url[..at]);
        let login_end = authority.rfind('@').or_else(|| url.rfind('@'));
        match login_end.map(|at| url.split_at(at)) {
            Some((login, place)) if login.contains(':') => {
                out.push_str(login.split(':').next().unwrap_or_default());
                out.push(':');
                out.push_str(HIDDEN);
                out.push_str(place);
            }
            _ => out.push_str(url),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// `password=secret`, `PASSWORD 'secret'` and `password = 'secret'` lose their value.
fn of_words(text: &str) -> String {
    const WORD: &str = "password";
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = lower[at..].find(WORD) {
        let start = at + found + WORD.len();
        out.push_str(&text[at..start]);
        let gap = gap(&text[start..]);
        let value = &text[start + gap..];
        let assigned = text[start..start + gap].contains('=');
        let length = match value.chars().next() {
            Some(quote @ '\'') => Some(quoted(value, quote)),
            Some(first) if assigned && !first.is_whitespace() => Some(
                value
                    .find(|c: char| c.is_whitespace() || "&'\"`".contains(c))
                    .unwrap_or(value.len()),
            ),
            _ => None,
        };
        out.push_str(&text[start..start + gap]);
        at = start + gap;
        if let Some(length) = length {
            out.push_str(HIDDEN);
            at += length;
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Blanks, at most one equals sign, blanks. Units: bytes.
fn gap(text: &str) -> usize {
    let blank = |text: &str| text.len() - text.trim_start().len();
    let first = blank(text);
    match text[first..].strip_prefix('=') {
        Some(rest) => first + 1 + blank(rest),
        None => first,
    }
}

/// The length of a literal, doubled quotes within; all there is when it does not end. Units: bytes.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn passwords_of_urls_and_after_their_word_are_hidden_and_nothing_else_is() {
        let cases = [
            (
                "'postgresql://a:s3cret@h:5/x' found",
                "'postgresql://a:…@h:5/x' found",
            ),
            ("postgres://a:s3/c:r@et@h/x?b=c", "postgres://a:…@h/x?b=c"),
            (
                "postgres://a@h/x?password=s3cret&b=c",
                "postgres://a@h/x?password=…&b=c",
            ),
            ("postgres://h:5432/x?options=a@b", "postgres://h:…@b"),
            (
                "ALTER ROLE a PASSWORD 's3''c' VALID",
                "ALTER ROLE a PASSWORD … VALID",
            ),
            ("alter role a password 's3 cret", "alter role a password …"),
            (
                "host=h password = s3cret user=a",
                "host=h password = … user=a",
            ),
            ("SELECT password FROM users", "SELECT password FROM users"),
            ("a – ü://", "a – ü://"),
        ];
        for (text, wanted) in cases {
            assert_eq!(hidden(text), wanted);
        }
    }
}
