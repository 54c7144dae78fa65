//! The words of a function's text.

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword, in lower case.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    /// A string.
    Text(String),
    /// A number.
    Number(String),
    /// `$1`.
    Parameter(usize),
    /// A mark: `(`, `::`, `<>` …
    Mark(String),
}

/// The words of a text without its comments. Shape: nothing for what is not understood.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut all = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let next = chars.get(at + 1).copied();
        match (c, next) {
            _ if c.is_whitespace() => at += 1,
            ('-', Some('-')) => {
                at += chars[at..].iter().take_while(|c| **c != '\n').count();
            }
            ('/', Some('*')) => {
                let inside: String = chars[at + 2..].iter().collect();
                // A comment in a comment is rare, and then the text is not looked into.
                let end = inside.find("*/")?;
                if inside[..end].contains("/*") {
                    return None;
                }
                at += 4 + inside[..end].chars().count();
            }
            ('\'' | '"', _) => {
                let (inside, length) = quoted(&chars[at..], c)?;
                all.push(if c == '"' {
                    Token::Quoted(inside)
                } else {
                    Token::Text(inside)
                });
                at += length;
            }
            ('$', Some(digit)) if digit.is_ascii_digit() => {
                let digits: String = chars[at + 1..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .collect();
                all.push(Token::Parameter(digits.parse().ok()?));
                at += 1 + digits.len();
            }
            _ if c.is_ascii_digit() => {
                let digits: String = chars[at..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .collect();
                at += digits.len();
                all.push(Token::Number(digits));
            }
            _ if c.is_alphabetic() || c == '_' => {
                let word: String = chars[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
                    .collect();
                at += word.chars().count();
                // E'…', U&'…', B'…' have their own escapes.
                if matches!(chars.get(at), Some('\'')) {
                    return None;
                }
                all.push(Token::Word(word.to_lowercase()));
            }
            (':', Some(':')) | ('<', Some('>')) | ('!', Some('=')) => {
                all.push(Token::Mark([c, next?].iter().collect()));
                at += 2;
            }
            ('(' | ')' | '[' | ']' | ',' | ';' | '.' | '=' | '*', _) => {
                all.push(Token::Mark(c.to_string()));
                at += 1;
            }
            _ => return None,
        }
    }
    Some(all)
}

/// What stands between quotes, and how many characters it all has.
fn quoted(chars: &[char], quote: char) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut at = 1;
    loop {
        match (chars.get(at)?, chars.get(at + 1)) {
            (c, Some(next)) if *c == quote && *next == quote => {
                inside.push(quote);
                at += 2;
            }
            (c, _) if *c == quote => return Some((inside, at + 1)),
            (c, _) => {
                inside.push(*c);
                at += 1;
            }
        }
    }
}
