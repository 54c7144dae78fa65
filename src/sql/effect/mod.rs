//! What a statement does to tables while others use them: the lock it takes, the work it does under it,
//! and the hazard it brings.
//!
//! It reads the statement's text alone, with squawk's parser. What depends on the database (which type a
//! column has now, whether a table has rows) is left open here and closed by the plan.
//!
//! Source: the PostgreSQL manual, "Explicit Locking", and the reference pages of the statements.

mod alter;
mod alter_other;
mod create;
mod remove;
mod rows;

use squawk_syntax::ast::{AstNode, SourceFile, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::hazard::Hazard;
use super::lock::LockLevel;
use super::split::Statement;
use super::token::{Kind, identifier, tokens};

/// A relation as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// The schema, if the statement says one.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// What an effect is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A table, view, materialized view or sequence.
    Relation(Relation),
    /// An index; its table is looked up.
    Index(Relation),
    /// Everything in a schema.
    Schema(String),
    /// Something without rows of its own.
    Nothing,
}

/// The work done while the lock is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// The catalogs only.
    Brief,
    /// Every row is read.
    Scan,
    /// Every row is written anew.
    Rewrite,
    /// An index is built.
    Build,
    /// Rows are changed in place.
    Rows,
    /// Every row is read, unless a validated constraint proves that the column has no null.
    ScanUnlessNotNull(String),
    /// Written anew, unless the column's type now is stored the same way.
    RewriteUnlessSame {
        /// The column.
        column: String,
        /// The type it gets, as written.
        to: String,
        /// The values are computed by an expression.
        using: bool,
    },
}

/// One effect of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The kind of statement or action, in upper case.
    pub action: &'static str,
    /// What it is on.
    pub on: Target,
    /// The lock it takes there.
    pub lock: Option<LockLevel>,
    /// The work done under the lock.
    pub work: Work,
    /// A hazard that it brings of itself.
    pub hazard: Option<Hazard>,
    /// What goes, as the statement names it, where that is no relation: "app.f(int), app.g".
    pub named: Option<String>,
    /// It makes what it is on.
    pub creates: bool,
    /// Unless it is there already: IF NOT EXISTS.
    pub perhaps: bool,
    /// It builds or rebuilds an index without blocking writers.
    pub concurrent_index: bool,
}

impl Effect {
    fn new(action: &'static str, on: Target) -> Self {
        Self {
            action,
            on,
            lock: None,
            work: Work::Brief,
            hazard: None,
            named: None,
            creates: false,
            perhaps: false,
            concurrent_index: false,
        }
    }

    /// The same on something whose name is put in when the statement runs.
    pub(crate) fn on_whatever(mut self) -> Self {
        self.on = Target::Nothing;
        self.lock = None;
        self.work = Work::Brief;
        self.creates = false;
        self.named = Some("of a name that is put in when it runs".to_owned());
        self
    }

    fn lock(mut self, lock: LockLevel) -> Self {
        self.lock = Some(lock);
        self
    }

    fn work(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    fn hazard(mut self, hazard: Hazard) -> Self {
        self.hazard = Some(hazard);
        self
    }

    fn creates(mut self) -> Self {
        self.creates = true;
        self
    }

    fn concurrent(mut self) -> Self {
        self.concurrent_index = true;
        self
    }
}

/// What `statement` does.
///
/// # Shape
/// In the order of the statement's actions; empty when it touches no relation (SET, GRANT, COMMENT …).
/// A statement that cannot be parsed has the one effect [`Hazard::NotAnalysable`].
pub fn effects(statement: &Statement) -> Vec<Effect> {
    if is_quiet(statement) {
        return Vec::new();
    }
    let parse = SourceFile::parse(&statement.text);
    let file = parse.tree();
    let mut found: Vec<Effect> = file.stmts().flat_map(|stmt| of_statement(&stmt)).collect();
    if found.is_empty() && (!parse.errors().is_empty() || file.stmts().next().is_none()) {
        found.push(unknown("STATEMENT"));
    }
    if calls(&statement.text, &["drop_graph", "drop_label"]) {
        found.push(Effect::new("DROP GRAPH", Target::Nothing).hazard(Hazard::DataLoss));
    }
    found
}

/// Statements that never touch a table: not worth a parser.
fn is_quiet(statement: &Statement) -> bool {
    matches!(
        statement.keyword.as_str(),
        "SET"
            | "RESET"
            | "COMMENT"
            | "GRANT"
            | "REVOKE"
            | "SHOW"
            | "SAVEPOINT"
            | "RELEASE"
            | "NOTIFY"
    )
}

fn unknown(action: &'static str) -> Effect {
    Effect::new(action, Target::Nothing).hazard(Hazard::NotAnalysable)
}

fn of_statement(stmt: &Stmt) -> Vec<Effect> {
    match stmt {
        Stmt::AlterTable(it) => alter::table(it),
        Stmt::AlterIndex(_)
        | Stmt::AlterView(_)
        | Stmt::AlterMaterializedView(_)
        | Stmt::AlterSequence(_)
        | Stmt::AlterSchema(_)
        | Stmt::AlterType(_)
        | Stmt::AlterFunction(_)
        | Stmt::AlterTrigger(_)
        | Stmt::AlterPolicy(_)
        | Stmt::AlterDomain(_) => alter_other::of_statement(stmt),
        Stmt::Do(_) => vec![unknown("DO")],
        Stmt::Call(_) => vec![unknown("CALL")],
        Stmt::Execute(_) => vec![unknown("EXECUTE")],
        Stmt::Select(_) | Stmt::CompoundSelect(_) | Stmt::ParenSelect(_) => {
            let calls = stmt
                .syntax()
                .descendants()
                .any(|node| node.kind() == SyntaxKind::CALL_EXPR);
            if calls {
                vec![unknown("SELECT with a function")]
            } else {
                Vec::new()
            }
        }
        other => create::of_statement(other)
            .or_else(|| rows::of_statement(other))
            .unwrap_or_else(|| remove::of_statement(other)),
    }
}

/// The relation that a name node spells: `ONLY s.t *` as well as `t`.
fn relation<N: AstNode>(name: Option<N>) -> Option<Relation> {
    let text = name?.syntax().text().to_string();
    let mut parts = Vec::new();
    for token in tokens(&text).filter(|token| !token.kind.is_trivia()) {
        let part = &text[token.span];
        match token.kind {
            Kind::Word if parts.is_empty() && is_lead(part) => {}
            Kind::Word | Kind::QuotedIdent => parts.push(identifier(token.kind, part)?),
            _ => {}
        }
    }
    let name = parts.pop()?;
    Some(Relation {
        schema: parts.pop(),
        name,
    })
}

/// Words that stand before a name in its node: `ONLY t`, and the `ON t` of CLUSTER.
fn is_lead(word: &str) -> bool {
    ["only", "on"]
        .iter()
        .any(|lead| word.eq_ignore_ascii_case(lead))
}

/// The relation that a name spells, as a target.
fn at<N: AstNode>(name: Option<N>) -> Target {
    relation(name).map_or(Target::Nothing, Target::Relation)
}

/// The index that a name spells, as a target.
fn index_at<N: AstNode>(name: Option<N>) -> Target {
    relation(name).map_or(Target::Nothing, Target::Index)
}

/// The schema that a name spells, as a target.
fn schema_at<N: AstNode>(name: Option<N>) -> Target {
    single_at(name).map_or(Target::Nothing, Target::Schema)
}

/// The one identifier that a name spells.
fn single_at<N: AstNode>(name: Option<N>) -> Option<String> {
    relation(name).map(|relation| relation.name)
}

fn says(node: &SyntaxNode, words: &[&str]) -> bool {
    let text = node.text().to_string();
    let found: Vec<String> = tokens(&text)
        .filter(|token| token.kind == Kind::Word)
        .map(|token| text[token.span].to_ascii_uppercase())
        .collect();
    found
        .windows(words.len())
        .any(|window| window.iter().zip(words).all(|(a, b)| a == b))
}

/// Whether one of the functions is called, anywhere outside of constants and comments.
fn calls(text: &str, functions: &[&str]) -> bool {
    let mut before = None;
    for token in tokens(text).filter(|token| !token.kind.is_trivia()) {
        if token.kind == Kind::Open
            && let Some(name) = before.take()
            && functions.contains(&String::as_str(&name))
        {
            return true;
        }
        before = identifier(token.kind, &text[token.span.clone()]);
    }
    false
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
