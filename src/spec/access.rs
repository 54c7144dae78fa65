//! `spec/access.toml`: who may do what. The oracle that policies and grants are proved against.
//!
//! Tables, functions and roles are looked up in a catalog later; here the file is checked against itself.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;

use super::document::Document;
use crate::catalog::name::Name;
use crate::failure::Result;

mod exception;
mod read;

/// The content of `spec/access.toml`.
#[derive(Debug, Clone)]
pub struct Access {
    /// The file.
    pub document: Document,
    /// The table whose rows are the tenants, if there is one.
    pub root: Option<Name>,
    /// Roles that row-level security does not bind.
    pub bypass: Vec<String>,
    /// Which users belong to which tenants, where a table says so rather than a setting.
    pub membership: Option<Membership>,
    /// The tables in file order, each once.
    pub tables: Vec<TableAccess>,
    /// Functions that a role may call, each once.
    pub functions: Vec<FunctionAccess>,
    /// Findings that are known and accepted.
    pub exceptions: Vec<Exception>,
    /// What the promise does not cover.
    pub limits: Vec<Limit>,
}

/// One table's promise.
#[derive(Debug, Clone)]
pub struct TableAccess {
    /// The table.
    pub name: Name,
    /// Where the tenant's id is found, where a rule needs it.
    pub tenant: Option<Carried>,
    /// Where the user's id is found, where a rule needs it.
    pub owner: Option<Carried>,
    /// Columns that no listed role may change.
    pub immutable: Vec<String>,
    /// The rules by role, as the catalog spells it.
    pub roles: BTreeMap<String, Rules>,
    /// The place of the table's name. Units: bytes.
    pub span: Range<usize>,
}

/// Where a row's tenant, or user, is found: in a column of its own, or in a row that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The foreign keys' columns that lead there, from table to table; none for a column of its own.
    pub through: Vec<String>,
    /// The column.
    pub column: String,
    /// Its place. Units: bytes.
    pub span: Range<usize>,
}

impl Carried {
    /// The column, where the row itself has it.
    pub fn direct(&self) -> Option<&str> {
        self.through.is_empty().then_some(self.column.as_str())
    }

    /// The column of the row itself that decides it.
    pub fn first(&self) -> &str {
        self.through.first().unwrap_or(&self.column)
    }
}

/// The table that says which user belongs to which tenant.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The table.
    pub table: Name,
    /// The column with the user's id, as the user setting holds it.
    pub user: String,
    /// The column with the tenant's id.
    pub tenant: String,
    /// The place of the table's name. Units: bytes.
    pub span: Range<usize>,
}

/// One role's rules on one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which rows it sees.
    pub select: Rule,
    /// Which rows it may add.
    pub insert: Rule,
    /// Which rows it may change, and into what.
    pub update: Rule,
    /// Which rows it may remove.
    pub delete: Rule,
}

impl Rules {
    /// No access at all: what a role has that the file does not list.
    pub const NONE: Self = Self {
        select: Rule::Deny,
        insert: Rule::Deny,
        update: Rule::Deny,
        delete: Rule::Deny,
    };

    /// The rule for one command.
    pub const fn of(&self, command: Command) -> Rule {
        match command {
            Command::Select => self.select,
            Command::Insert => self.insert,
            Command::Update => self.update,
            Command::Delete => self.delete,
        }
    }
}

/// A command that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// SELECT.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The keyword, in upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// Which rows a command may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Rows of the session's tenant, and of no other.
    Tenant,
    /// At most rows of the session's tenant: something else decides as well, a role in the tenant for example.
    Within,
    /// Rows of the session's tenant whose owner column is the session's user.
    Own,
    /// No row.
    Deny,
    /// Every row.
    Any,
}

impl Rule {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Within => "within",
            Self::Own => "own",
            Self::Deny => "deny",
            Self::Any => "any",
        }
    }
}

/// A function that roles may call.
#[derive(Debug, Clone)]
pub struct FunctionAccess {
    /// The function.
    pub function: Function,
    /// The roles, at least one, as the catalog spells them.
    pub callers: Vec<String>,
    /// What it tells whom, where it looks something up before the tenant is known.
    pub door: Option<String>,
    /// Whose tenants it lets a session enter, where it is how sessions enter one.
    pub enters: Option<Enters>,
    /// The place of the signature. Units: bytes.
    pub span: Range<usize>,
}

/// Which tenants a function lets a session enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enters {
    /// Any: the caller has decided who the user is, and may.
    Any,
    /// Those that the user belongs to; it refuses others.
    Own,
}

/// A function's signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// The function's name.
    pub name: Name,
    /// The argument types as written, in order. Compare them by `to_regtype`, not as texts.
    pub arguments: Vec<String>,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.arguments.join(", "))
    }
}

impl FromStr for Function {
    type Err = String;

    /// Reads `schema.function(type, type)`; no arguments are `()`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let malformed =
            || format!("\"{text}\" is not a signature: write schema.function(type, type)");
        let (name, rest) = text.split_once('(').ok_or_else(malformed)?;
        let inside = rest.strip_suffix(')').ok_or_else(malformed)?.trim();
        let arguments: Vec<String> = match inside {
            "" => Vec::new(),
            list => list
                .split(',')
                .map(|argument| argument.trim().to_owned())
                .collect(),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ' | '"' | '[' | ']');
        if arguments
            .iter()
            .any(|argument| argument.is_empty() || !argument.chars().all(plain))
        {
            return Err(malformed());
        }
        Ok(Self {
            name: name.trim().parse()?,
            arguments,
        })
    }
}

/// A finding that is known and accepted for exactly these objects.
#[derive(Debug, Clone)]
pub struct Exception {
    /// The check's id.
    pub check: String,
    /// The objects, at least one, as the check names them.
    pub objects: Vec<Accepted>,
    /// Why, never empty.
    pub reason: String,
    /// The place of the id. Units: bytes.
    pub span: Range<usize>,
}

/// One object of an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The object, as the check names it.
    pub object: String,
    /// Its place, for an exception that no longer silences anything. Units: bytes.
    pub span: Range<usize>,
}

/// Something that the promise does not cover, stated in every report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its id, each once.
    pub id: String,
    /// What it is about, at least one object.
    pub objects: Vec<String>,
    /// The statement, never empty.
    pub text: String,
}

impl Access {
    /// Reads `spec/access.toml`.
    ///
    /// # Errors
    /// Exit 2 with file, line and column: an unknown key or word, a table, function, exception or limit
    /// given twice, a rule without the column it needs, rules for a role that is not bound by any.
    pub fn read(document: &Document) -> Result<Self> {
        read::access(document)
    }

    /// The file's place of the first table, function or exception that names this object.
    pub fn place(&self, object: &str) -> Option<Range<usize>> {
        let table = self.tables.iter().find(|table| {
            let name = table.name.to_string();
            object == name
                || object
                    .strip_prefix(&name)
                    .is_some_and(|rest| rest.starts_with([' ', '.']))
        });
        let function = self
            .functions
            .iter()
            .find(|listed| listed.function.to_string() == object);
        let members = self
            .membership
            .as_ref()
            .filter(|members| members.table.to_string() == object);
        table
            .map(|table| table.span.clone())
            .or_else(|| function.map(|listed| listed.span.clone()))
            .or_else(|| members.map(|members| members.span.clone()))
    }

    /// The table's promise, if the file has one.
    pub fn table(&self, name: &Name) -> Option<&TableAccess> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// The rule for a role, a table and a command. What is not listed is denied.
    pub fn rule(&self, role: &str, table: &Name, command: Command) -> Rule {
        let rules = self.table(table).and_then(|table| table.roles.get(role));
        rules.unwrap_or(&Rules::NONE).of(command)
    }

    /// The exception that accepts a check's finding on an object.
    pub fn exception(&self, check: &str, object: &str) -> Option<&Exception> {
        let accepts = |exception: &&Exception| {
            exception.check == check
                && exception
                    .objects
                    .iter()
                    .any(|accepted| accepted.object == object)
        };
        self.exceptions.iter().find(accepts)
    }

    /// Every role that the file gives something to, sorted.
    pub fn roles(&self) -> std::collections::BTreeSet<&str> {
        let tables = self.tables.iter().flat_map(|table| table.roles.keys());
        let callers = self.functions.iter().flat_map(|function| &function.callers);
        tables.chain(callers).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
