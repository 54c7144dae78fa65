//! From words to a condition or value.

use super::super::token::Token;
use super::super::{ARRAY, EXISTS, Expr, among, name, parameter, sub_select, tested, value};
use super::{BOOL, DEPTH_MAX, INT4, Oid, Parser};

impl Parser<'_> {
    /// A condition or value.
    pub(in super::super) fn expr(&mut self) -> Option<Expr> {
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
    pub(super) fn cast_after(&mut self, mut inner: Expr) -> Option<Expr> {
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
