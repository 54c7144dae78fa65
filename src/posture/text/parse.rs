//! From words to a query.

use super::token::Token;
use super::{
    ARRAY, EXISTS, Expr, Function, Oid, Posture, Relation, Select, Source, among, name, parameter,
    sub_select, tested, value,
};
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

    /// A condition or value.
    pub(super) fn expr(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut all = vec![self.conjunction()?];
        while self.word("or") {
            all.push(self.conjunction()?);
        }
        self.depth -= 1;
        Some(if all.len() == 1 {
            all.remove(0)
        } else {
            Expr::Or(all)
        })
    }

    fn conjunction(&mut self) -> Option<Expr> {
        let mut all = vec![self.negation()?];
        while self.word("and") {
            all.push(self.negation()?);
        }
        Some(if all.len() == 1 {
            all.remove(0)
        } else {
            Expr::And(all)
        })
    }

    fn negation(&mut self) -> Option<Expr> {
        match self.word("not") {
            true => Some(Expr::Not(Box::new(self.negation()?))),
            false => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.value()?;
        if self.word("is") {
            return self.test(left);
        }
        let not = self.word("not");
        if self.word("in") {
            self.want("(")?;
            let found = if self.is_word(0, "select") {
                let select = self.query()?;
                among(Expr::Operator(self.equal, vec![left, tested()]), select)
            } else {
                let mut any = Vec::new();
                loop {
                    let item = self.expr()?;
                    any.push(Expr::Operator(self.equal, vec![left.clone(), item]));
                    if !self.skip(",") {
                        break;
                    }
                }
                Expr::Or(any)
            };
            self.want(")")?;
            return Some(if not {
                Expr::Not(Box::new(found))
            } else {
                found
            });
        }
        if not {
            return None;
        }
        if self.skip("<>") || self.skip("!=") {
            let right = self.value()?;
            return Some(Expr::Not(Box::new(Expr::Operator(
                self.equal,
                vec![left, right],
            ))));
        }
        if !self.skip("=") {
            return Some(left);
        }
        if self.word("any") {
            self.want("(")?;
            let found = if self.is_word(0, "select") {
                let select = self.query()?;
                among(Expr::Operator(self.equal, vec![left, tested()]), select)
            } else {
                let array = self.expr()?;
                Expr::Quantified {
                    operator: self.equal,
                    any: true,
                    operands: vec![left, array],
                }
            };
            self.want(")")?;
            return Some(found);
        }
        let right = self.value()?;
        Some(Expr::Operator(self.equal, vec![left, right]))
    }

    fn test(&mut self, operand: Expr) -> Option<Expr> {
        let not = self.word("not");
        if self.word("distinct") {
            self.word("from").then_some(())?;
            let right = self.value()?;
            let distinct = Expr::Distinct(self.equal, vec![operand, right]);
            return Some(if not {
                Expr::Not(Box::new(distinct))
            } else {
                distinct
            });
        }
        let operand = Box::new(operand);
        match self.ident()?.as_str() {
            "null" => Some(Expr::IsNull {
                operand,
                null: !not,
            }),
            "true" => Some(Expr::IsOneOf {
                operand,
                truth: [!not, not, not],
            }),
            "false" => Some(Expr::IsOneOf {
                operand,
                truth: [not, !not, not],
            }),
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Expr> {
        let plain = self.primary()?;
        self.cast_after(plain)
    }

    /// Casts after a value. One with a length cuts off, and is not looked into.
    fn cast_after(&mut self, mut inner: Expr) -> Option<Expr> {
        while self.skip("::") {
            let oid = self.type_name()?;
            inner = Expr::Cast(oid, Box::new(inner));
        }
        Some(inner)
    }

    fn type_name(&mut self) -> Option<Oid> {
        let mut name = self.ident()?;
        if name == "pg_catalog" && self.skip(".") {
            name = self.ident()?;
        }
        let oid = match name.as_str() {
            "uuid" => 2950,
            "text" => 25,
            "varchar" => 1043,
            "character" if self.word("varying") => 1043,
            "int" | "integer" | "int4" => 23,
            "bigint" | "int8" => 20,
            "bool" | "boolean" => BOOL,
            _ => return None,
        };
        if self.skip("[") {
            self.want("]")?;
        }
        (!self.is_mark(0, "(")).then_some(oid)
    }

    fn primary(&mut self) -> Option<Expr> {
        match self.next()? {
            Token::Text(text) => Some(Expr::text(&text)),
            Token::Number(digits) => Some(Expr::Const(INT4, Some(digits.into_bytes()))),
            Token::Parameter(at) => Some(parameter(at)),
            Token::Mark(mark) if mark == "(" => {
                let inner = match self.is_word(0, "select") {
                    true => value(self.query()?)?,
                    false => self.expr()?,
                };
                self.want(")")?;
                Some(inner)
            }
            Token::Quoted(name) => self.named(name),
            Token::Word(word) => self.keyword(word),
            Token::Mark(_) => None,
        }
    }

    fn keyword(&mut self, word: String) -> Option<Expr> {
        let call = self.is_mark(0, "(");
        match word.as_str() {
            "true" => Some(Expr::Const(BOOL, Some(vec![1]))),
            "false" => Some(Expr::Const(BOOL, Some(vec![0]))),
            "null" => Some(Expr::Const(BOOL, None)),
            "exists" | "array" if call && self.is_word(1, "select") => {
                self.at += 1;
                let select = self.query()?;
                self.want(")")?;
                let kind = if word == "exists" { EXISTS } else { ARRAY };
                Some(sub_select(kind, None, select))
            }
            "cast" if call => {
                self.at += 1;
                let inner = self.expr()?;
                self.word("as").then_some(())?;
                let oid = self.type_name()?;
                self.want(")")?;
                Some(Expr::Cast(oid, Box::new(inner)))
            }
            "coalesce" if call => Some(Expr::Coalesce(self.arguments()?)),
            "nullif" if call => Some(Expr::NullIf(self.equal, self.arguments()?)),
            "select" | "from" | "where" | "case" | "all" | "any" | "some" | "current_user"
            | "session_user" | "user" | "current_role" | "group" | "order" | "limit" | "union" => {
                None
            }
            _ => self.named(word),
        }
    }

    fn arguments(&mut self) -> Option<Vec<Expr>> {
        self.want("(")?;
        let mut all = Vec::new();
        if self.skip(")") {
            return Some(all);
        }
        loop {
            all.push(self.expr()?);
            if self.skip(")") {
                return Some(all);
            }
            self.want(",")?;
        }
    }

    /// A column, a parameter, or a call.
    fn named(&mut self, first: String) -> Option<Expr> {
        let second = match self.skip(".") {
            true => Some(self.ident()?),
            false => None,
        };
        if !self.is_mark(0, "(") {
            return match &second {
                Some(column) => self.column(Some(&first), column),
                None => self.column(None, &first),
            };
        }
        let (schema, name) = match second {
            Some(name) => (Some(first), name),
            None => (None, first),
        };
        let arguments = self.arguments()?;
        let own = schema
            .as_deref()
            .is_none_or(|schema| schema == "pg_catalog");
        if name == "current_setting" && own {
            let reader = self.posture.facts("routine").next()?.oid;
            return Some(Expr::Call(reader, arguments));
        }
        let oid = name::function(self.posture, schema.as_deref(), &name, arguments.len())?;
        Some(Expr::Call(oid, arguments))
    }

    fn column(&self, table: Option<&str>, column: &str) -> Option<Expr> {
        let named = self
            .function
            .argument_names
            .iter()
            .position(|name| name == column);
        for (outer, scope) in self.scopes.iter().rev().enumerate() {
            let mut found = scope
                .iter()
                .enumerate()
                .filter_map(|(at, (alias, relation))| {
                    let meant = table.is_none_or(|table| table == alias);
                    Some((at, relation.column(column).filter(|_| meant)?.number))
                });
            let Some((at, number)) = found.next() else {
                continue;
            };
            // PL/pgSQL refuses a name that is a column and a variable.
            let ambiguous = found.next().is_some()
                || table.is_none() && named.is_some() && self.function.language == "plpgsql";
            return (!ambiguous).then_some(Expr::Column {
                number,
                from: i64::try_from(at + 1).ok()?,
                outer: i64::try_from(outer).ok()?,
            });
        }
        match table {
            Some(table) if table != self.function.name => None,
            _ => Some(parameter(named? + 1)),
        }
    }
}
