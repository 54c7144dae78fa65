//! Reading a statement's words and names from left to right.

use super::token::{Kind, identifier, tokens};
use crate::catalog::name::quote_ident;

/// The tokens with a meaning, read from left to right.
pub struct Reader {
    items: Vec<(Kind, String)>,
    /// Which token comes next.
    pub at: usize,
}

impl Reader {
    /// Reads from the beginning of `text`.
    pub fn new(text: &str) -> Self {
        let items = tokens(text)
            .filter(|token| !token.kind.is_trivia())
            .map(|token| (token.kind, text[token.span].to_owned()))
            .collect();
        Self { items, at: 0 }
    }

    /// Whether the token `at` is that word.
    pub fn is(&self, at: usize, word: &str) -> bool {
        self.items
            .get(at)
            .is_some_and(|(kind, text)| *kind == Kind::Word && text.eq_ignore_ascii_case(word))
    }

    /// Whether these words come next.
    pub fn follows(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.is(self.at + offset, word))
    }

    /// Goes behind these words if they come next.
    pub fn skip(&mut self, words: &[&str]) -> bool {
        let follows = self.follows(words);
        if follows {
            self.at += words.len();
        }
        follows
    }

    /// Whether the word comes somewhere.
    pub fn has(&self, word: &str) -> bool {
        (self.at..self.items.len()).any(|at| self.is(at, word))
    }

    /// Whether nothing comes any more.
    pub fn ended(&self) -> bool {
        self.at >= self.items.len()
    }

    /// Goes behind the next `word`, if there is one.
    pub fn seek(&mut self, word: &str) -> bool {
        match (self.at..self.items.len()).find(|at| self.is(*at, word)) {
            Some(at) => {
                self.at = at + 1;
                true
            }
            None => false,
        }
    }

    /// A name of one or two parts, quoted.
    pub fn name(&mut self) -> Option<String> {
        let mut parts = Vec::new();
        loop {
            let (kind, text) = self.items.get(self.at)?;
            parts.push(quote_ident(&identifier(*kind, text)?));
            self.at += 1;
            match self.items.get(self.at) {
                Some((Kind::Dot, _)) if parts.len() < 3 => self.at += 1,
                _ => return Some(parts.join(".")),
            }
        }
    }
}
