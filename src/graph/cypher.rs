//! Cypher as tokens and patterns: as much of it as a lint and a column list need.
//!
//! Nothing is refused here: what is not understood is passed over, and AGE has the last word.

use std::ops::Range;

/// One token. Comments and white space are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text; a name in backticks is without them.
    pub text: &'a str,
    /// Its place. Units: bytes.
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word,
    /// A name in backticks.
    Name,
    /// A text constant.
    Text,
    /// A number.
    Number,
    /// `$name`, without the sign.
    Parameter,
    /// One other character; `->`, `<-`, `..`, `<=`, `>=`, `<>` and `=~` are one.
    Sign,
}

impl Token<'_> {
    /// Whether it is the keyword, in any case.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is the sign.
    pub fn sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    fn names(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Name)
    }
}

/// The tokens of a query.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            at += comment.find("*/").map_or(rest.len(), |end| end + 4);
            continue;
        } else if matches!(c, '\'' | '"') {
            (Kind::Text, quoted(rest, c))
        } else if c == '`' {
            (Kind::Name, quoted(rest, c))
        } else if c == '$' {
            (Kind::Parameter, 1 + word(&rest[1..]))
        } else if c.is_ascii_digit() {
            (Kind::Number, number(rest))
        } else if c == '_' || c.is_alphabetic() {
            (Kind::Word, word(rest))
        } else {
            let two = ["->", "<-", "..", "<=", ">=", "<>", "=~"];
            let long = two.into_iter().any(|sign| rest.starts_with(sign));
            (Kind::Sign, if long { 2 } else { c.len_utf8() })
        };
        let inner = match kind {
            Kind::Parameter => &rest[1..length],
            Kind::Name => rest[1..length].trim_end_matches('`'),
            _ => &rest[..length],
        };
        tokens.push(Token {
            kind,
            text: inner,
            span: at..at + length,
        });
        at += length;
    }
    tokens
}

fn word(text: &str) -> usize {
    text.find(|c: char| !(c == '_' || c.is_alphanumeric()))
        .unwrap_or(text.len())
}

/// Digits, and a fraction only where no second dot follows: `1..3` is a range.
fn number(text: &str) -> usize {
    let digits = |from: usize| {
        text[from..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(text.len(), |end| from + end)
    };
    let whole = digits(0);
    match text.as_bytes().get(whole..whole + 2) {
        Some([b'.', next]) if next.is_ascii_digit() => digits(whole + 1),
        _ => whole,
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// A vertex or edge of a pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// `[…]`, not `(…)`.
    pub edge: bool,
    /// Its variable.
    pub variable: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// A choice of labels, `:A|B`.
    pub choice: bool,
    /// A variable length, `*`.
    pub path: bool,
    /// A variable length without an upper end.
    pub unbounded: bool,
    /// The properties of its map, with whether their value is a parameter of that name.
    pub keys: Vec<(String, Option<String>)>,
    /// An edge without a direction.
    pub undirected: bool,
    /// Behind CREATE or MERGE, MATCH, or in another place: the clause's keyword in upper case.
    pub clause: String,
    /// Its place. Units: bytes.
    pub span: Range<usize>,
}

/// The vertices and edges of all patterns, in order.
pub fn elements(tokens: &[Token<'_>]) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut clause = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.kind == Kind::Word && is_clause(token.text) {
            clause = token.text.to_ascii_uppercase();
        }
        let opens = match token.text {
            "(" if token.kind == Kind::Sign => starts_vertex(tokens, at, &clause),
            "[" if token.kind == Kind::Sign => {
                at > 0 && (tokens[at - 1].sign("-") || tokens[at - 1].sign("<-"))
            }
            _ => false,
        };
        if !opens {
            at += 1;
            // `--` and `-->`: an edge that says nothing of itself.
            continue;
        }
        let end = closing(tokens, at);
        let mut element = element(&tokens[at..=end]);
        element.clause.clone_from(&clause);
        if element.edge {
            let before = at > 0 && tokens[at - 1].sign("<-");
            let after = tokens.get(end + 1).is_some_and(|token| token.sign("->"));
            element.undirected = !before && !after;
        }
        elements.push(element);
        at = end + 1;
    }
    elements
}

fn is_clause(word: &str) -> bool {
    [
        "MATCH", "CREATE", "MERGE", "WHERE", "RETURN", "WITH", "SET", "DELETE", "REMOVE", "UNWIND",
        "ORDER", "UNION",
    ]
    .iter()
    .any(|clause| word.eq_ignore_ascii_case(clause))
}

/// Whether a parenthesis opens a vertex: at the start of a pattern, behind an edge, or behind a comma
/// between patterns; not behind a function's name.
fn starts_vertex(tokens: &[Token<'_>], at: usize, clause: &str) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else {
        return false;
    };
    let pattern_clause = matches!(clause, "MATCH" | "CREATE" | "MERGE");
    let after_edge = (before.sign("-") || before.sign("->") || before.sign("<-"))
        && at > 1
        && (tokens[at - 2].sign("]") || tokens[at - 2].sign("-"));
    let starts = before.is("MATCH") || before.is("CREATE") || before.is("MERGE");
    let listed = pattern_clause && (before.sign(",") || before.sign("="));
    let in_where = before.sign("(") && at > 1 && tokens[at - 2].is("exists");
    after_edge || starts || listed || in_where
}

fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind == Kind::Sign {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

fn element(tokens: &[Token<'_>]) -> Element {
    let mut element = Element {
        edge: tokens[0].text == "[",
        span: tokens[0].span.start..tokens[tokens.len() - 1].span.end,
        ..Element::default()
    };
    let mut at = 1;
    if tokens.get(at).is_some_and(Token::names) {
        element.variable = Some(tokens[at].text.to_owned());
        at += 1;
    }
    while at + 1 < tokens.len() {
        let token = &tokens[at];
        if token.sign(":") && tokens[at + 1].names() {
            element
                .label
                .get_or_insert_with(|| tokens[at + 1].text.to_owned());
            at += 1;
        } else if token.sign("|") {
            element.choice = true;
        } else if token.sign("*") {
            element.path = true;
            element.unbounded = match (&tokens[at + 1], tokens.get(at + 2)) {
                (next, _) if next.sign("..") => tokens
                    .get(at + 2)
                    .is_none_or(|end| end.kind != Kind::Number),
                (next, Some(dots)) if next.kind == Kind::Number && dots.sign("..") => tokens
                    .get(at + 3)
                    .is_none_or(|end| end.kind != Kind::Number),
                (next, _) => next.kind != Kind::Number,
            };
        } else if token.sign("{") {
            element.keys = keys(&tokens[at..=closing(tokens, at)]);
            at = closing(tokens, at);
        }
        at += 1;
    }
    element
}

fn keys(tokens: &[Token<'_>]) -> Vec<(String, Option<String>)> {
    let mut keys = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Sign {
            match token.text {
                "{" | "[" | "(" => depth += 1,
                "}" | "]" | ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let named =
            depth == 1 && token.names() && tokens.get(at + 1).is_some_and(|next| next.sign(":"));
        if named {
            let value = tokens
                .get(at + 2)
                .filter(|value| value.kind == Kind::Parameter);
            keys.push((
                token.text.to_owned(),
                value.map(|value| value.text.to_owned()),
            ));
        }
    }
    keys
}

/// The columns that the last RETURN gives: their aliases, or names made of their texts.
///
/// # Shape
/// Empty when the query returns nothing. Names are unique.
pub fn columns(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let Some(from) = tokens.iter().rposition(|token| token.is("RETURN")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    let (mut depth, mut item): (usize, Vec<&Token<'_>>) = (0, Vec::new());
    let mut add = |item: &mut Vec<&Token<'_>>| {
        let alias = item
            .iter()
            .rposition(|token| token.is("AS"))
            .and_then(|at| item.get(at + 1));
        let name = match alias {
            Some(alias) => alias.text.to_owned(),
            None => item
                .iter()
                .filter(|token| token.names())
                .map(|token| token.text)
                .collect::<Vec<_>>()
                .join("_"),
        };
        let name = if name.is_empty() {
            "value".to_owned()
        } else {
            name
        };
        let taken = names.iter().filter(|other| **other == name).count();
        names.push(if taken == 0 {
            name
        } else {
            format!("{name}_{}", names.len() + 1)
        });
        item.clear();
    };
    for token in &tokens[from + 1..] {
        let ends = ["ORDER", "SKIP", "LIMIT", "UNION"]
            .iter()
            .any(|word| token.is(word));
        if depth == 0 && ends {
            break;
        }
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Sign => depth += 1,
            ")" | "]" | "}" if token.kind == Kind::Sign => depth = depth.saturating_sub(1),
            "," if depth == 0 && token.kind == Kind::Sign => {
                add(&mut item);
                continue;
            }
            _ if item.is_empty() && token.is("DISTINCT") => continue,
            _ => {}
        }
        item.push(token);
    }
    add(&mut item);
    names
}

#[cfg(test)]
mod tests;
