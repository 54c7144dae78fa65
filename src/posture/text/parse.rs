//! From words to a query.

mod condition;

use super::token::Token;
use super::{ARRAY, Expr, Function, Oid, Posture, Relation, Select, Source, name, sub_select};
use crate::posture::expr::BOOL;

/// `integer`.
const INT4: Oid = 23;

/// How deep a text may nest.
const DEPTH_MAX: u32 = 60;

/// One table of a FROM, by the name that columns name it with.
type Named<'a> = (String, &'a Relation);

/// Reads words.
pub(super) struct Parser<'a> {
    posture: &'a Posture,
    function: &'a Function,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    /// The tables of each query, innermost last.
    scopes: Vec<Vec<Named<'a>>>,
    equal: Oid,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        posture: &'a Posture,
        function: &'a Function,
        tokens: Vec<Token>,
    ) -> Option<Self> {
        let equal = posture.facts("equality").next()?.oid;
        Some(Self {
            posture,
            function,
            tokens,
            at: 0,
            depth: 0,
            scopes: Vec::new(),
            equal,
        })
    }

    pub(super) fn done(&self) -> bool {
        self.at == self.tokens.len()
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Word(it)) if it == word)
    }

    fn is_mark(&self, ahead: usize, mark: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Mark(it)) if it == mark)
    }

    /// Takes a keyword, if it comes next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let comes = self.is_word(0, word);
        self.at += usize::from(comes);
        comes
    }

    /// Takes a mark, if it comes next.
    pub(super) fn skip(&mut self, mark: &str) -> bool {
        let comes = self.is_mark(0, mark);
        self.at += usize::from(comes);
        comes
    }

    fn want(&mut self, mark: &str) -> Option<()> {
        self.skip(mark).then_some(())
    }

    fn ident(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            _ => None,
        }
    }

    /// `SELECT … [FROM …] [WHERE …]`.
    pub(super) fn query(&mut self) -> Option<Select> {
        self.word("select").then_some(())?;
        // Twice the same changes no membership.
        self.word("distinct");
        let from_at = self.source_at()?;
        let targets_at = self.at;
        self.at = from_at;
        let mut select = Select::default();
        self.scopes.push(Vec::new());
        if self.word("from") {
            self.tables(&mut select)?;
        }
        let rest_at = self.at;
        self.at = targets_at;
        let aggregated = self.targets(&mut select)?;
        (self.at == from_at).then_some(())?;
        self.at = rest_at;
        if self.word("where") {
            let condition = self.expr()?;
            select.conditions.push(condition);
        }
        if self.word("limit") {
            // Of rows that are only asked for their existence.
            let existence = select
                .targets
                .iter()
                .all(|target| matches!(target, Expr::Const(..)));
            (existence && self.next()? == Token::Number("1".to_owned())).then_some(())?;
        }
        self.scopes.pop();
        match aggregated {
            true => Some(Select {
                targets: vec![sub_select(ARRAY, None, select)],
                ..Select::default()
            }),
            false => Some(select),
        }
    }

    /// Where FROM stands, or what ends a query that has none.
    fn source_at(&self) -> Option<usize> {
        let mut open = 0_u32;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token {
                Token::Mark(mark) if mark == "(" => open += 1,
                Token::Mark(mark) if mark == ")" && open == 0 => return Some(at),
                Token::Mark(mark) if mark == ")" => open -= 1,
                Token::Mark(mark) if mark == ";" && open == 0 => return Some(at),
                Token::Word(word) if word == "from" && open == 0 => {
                    // IS DISTINCT FROM is no FROM.
                    let distinct =
                        at > 0 && self.tokens[at - 1] == Token::Word("distinct".to_owned());
                    if !distinct {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        Some(self.tokens.len())
    }

    /// The tables of FROM, and the conditions of ON.
    fn tables(&mut self, select: &mut Select) -> Option<()> {
        self.table(select)?;
        loop {
            if self.skip(",") {
                self.table(select)?;
            } else if self.is_word(0, "join") || self.is_word(0, "inner") {
                self.word("inner");
                self.word("join").then_some(())?;
                self.table(select)?;
                self.word("on").then_some(())?;
                let condition = self.expr()?;
                select.conditions.push(condition);
            } else {
                return Some(());
            }
        }
    }

    fn table(&mut self, select: &mut Select) -> Option<()> {
        let first = self.ident()?;
        let (schema, name) = match self.skip(".") {
            true => (Some(first), self.ident()?),
            false => (None, first),
        };
        let relation = name::relation(self.posture, self.function, schema.as_deref(), &name)?;
        if !relation.is_table() {
            return None;
        }
        let keyword = ["where", "join", "inner", "on"]
            .iter()
            .any(|word| self.is_word(0, word));
        let named = !keyword && matches!(self.peek(), Some(Token::Word(_) | Token::Quoted(_)));
        let alias = match self.word("as") || named {
            true => self.ident()?,
            false => name,
        };
        select.from.push(Some(Source::Relation(relation.oid)));
        self.scopes.last_mut()?.push((alias, relation));
        Some(())
    }

    /// What is selected, and whether it is all values as one array.
    fn targets(&mut self, select: &mut Select) -> Option<bool> {
        let coalesced =
            self.is_word(0, "coalesce") && self.is_mark(1, "(") && self.is_word(2, "array_agg");
        if coalesced {
            self.at += 2;
        }
        if self.is_word(0, "array_agg") && self.is_mark(1, "(") {
            self.at += 2;
            self.word("distinct");
            let target = self.expr()?;
            select.targets.push(target);
            self.want(")")?;
            if coalesced {
                self.want(",")?;
                self.expr()?;
                self.want(")")?;
                self.cast_after(Expr::Const(BOOL, None))?;
            }
            self.alias();
            return Some(true);
        }
        // SELECT FROM gives rows without columns.
        if self.is_word(0, "from") {
            return Some(false);
        }
        loop {
            let target = match self.skip("*") {
                true => Expr::Const(BOOL, None),
                false => self.expr()?,
            };
            select.targets.push(target);
            self.alias();
            if !self.skip(",") {
                return Some(false);
            }
        }
    }

    fn alias(&mut self) {
        if self.word("as") {
            self.at += 1;
        }
    }
}
