//! From the text of `spec/access.toml` to its value, with every check that needs the text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::exception::{ExceptionEntry, LimitEntry, exceptions, limits};
use super::{
    Access, Carried, Command, Enters, Function, FunctionAccess, Membership, Rule, Rules,
    TableAccess,
};
use crate::catalog::name::{NAME_BYTES_MAX, Name};
use crate::failure::{Failure, Result};
use crate::spec::document::Document;
use crate::spec::entries::Entries;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    root: Option<Spanned<Name>>,
    #[serde(default)]
    bypass: Vec<Spanned<String>>,
    membership: Option<MembershipEntry>,
    #[serde(default)]
    table: Vec<Table>,
    #[serde(default)]
    function: Vec<FunctionEntry>,
    #[serde(default)]
    exception: Vec<ExceptionEntry>,
    #[serde(default)]
    limit: Vec<LimitEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Spanned<Name>,
    tenant: Option<Spanned<String>>,
    owner: Option<Spanned<String>>,
    #[serde(default)]
    immutable: Vec<Spanned<String>>,
    #[serde(default)]
    access: Entries<RulesEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MembershipEntry {
    table: Spanned<Name>,
    user: Spanned<String>,
    tenant: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesEntry {
    select: Spanned<Rule>,
    insert: Spanned<Rule>,
    update: Spanned<Rule>,
    delete: Spanned<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionEntry {
    name: Spanned<String>,
    callers: Spanned<Vec<String>>,
    door: Option<Spanned<String>>,
    enters: Option<Spanned<Enters>>,
}

pub(super) fn access(document: &Document) -> Result<Access> {
    let file: File = document.parse()?;
    let mut bypass: Vec<String> = Vec::new();
    for role in &file.bypass {
        identifier(document, role)?;
        if bypass.contains(role.get_ref()) {
            return Err(twice(document, role.span(), "role", role.get_ref()));
        }
        bypass.push(role.get_ref().clone());
    }
    let mut tables: Vec<TableAccess> = Vec::new();
    for entry in file.table {
        let table = table(document, &bypass, entry)?;
        if tables.iter().any(|other| other.name == table.name) {
            return Err(twice(
                document,
                table.span,
                "table",
                &table.name.to_string(),
            ));
        }
        tables.push(table);
    }
    if let Some(root) = &file.root
        && !tables
            .iter()
            .any(|table| table.name == *root.get_ref() && table.tenant.is_some())
    {
        return Err(document
            .failure(
                root.span(),
                format!(
                    "root table {} is not listed with its tenant column",
                    root.get_ref()
                ),
            )
            .hint(
                "Add a [[table]] of that name; its `tenant` is the column of the tenant's own id.",
            ));
    }
    let mut functions: Vec<FunctionAccess> = Vec::new();
    for entry in file.function {
        let function = function(document, entry)?;
        if functions
            .iter()
            .any(|other| other.function == function.function)
        {
            return Err(twice(
                document,
                function.span,
                "function",
                &function.function.to_string(),
            ));
        }
        functions.push(function);
    }
    Ok(Access {
        document: document.clone(),
        root: file.root.map(Spanned::into_inner),
        bypass,
        membership: match file.membership {
            Some(entry) => Some(membership(document, entry)?),
            None => None,
        },
        tables,
        functions,
        exceptions: exceptions(document, file.exception)?,
        limits: limits(document, file.limit)?,
    })
}

fn table(document: &Document, bypass: &[String], entry: Table) -> Result<TableAccess> {
    let (name, span) = (entry.name.get_ref().clone(), entry.name.span());
    for column in &entry.immutable {
        identifier(document, column)?;
    }
    let carried = |path: &Option<Spanned<String>>| match path {
        Some(path) => carried(document, path).map(Some),
        None => Ok(None),
    };
    let (tenant, owner) = (carried(&entry.tenant)?, carried(&entry.owner)?);
    let mut immutable: Vec<String> = Vec::new();
    for column in &entry.immutable {
        if immutable.contains(column.get_ref()) {
            return Err(twice(document, column.span(), "column", column.get_ref()));
        }
        immutable.push(column.get_ref().clone());
    }
    if entry.access.0.is_empty() {
        return Err(document
            .failure(span, format!("table {name} gives nobody anything"))
            .detail("A role without an entry has no access; say so for at least one role.")
            .hint(
                "Write: access.<role> = { select = \"deny\", insert = \"deny\", update = \"deny\", delete = \"deny\" }",
            ));
    }
    let roles = roles(document, bypass, &entry)?;
    Ok(TableAccess {
        name,
        tenant,
        owner,
        immutable,
        roles,
        span,
    })
}

fn roles(document: &Document, bypass: &[String], entry: &Table) -> Result<BTreeMap<String, Rules>> {
    let name = entry.name.get_ref();
    let mut roles = BTreeMap::new();
    for (role, rules) in &entry.access.0 {
        identifier(document, role)?;
        if bypass.contains(role.get_ref()) {
            return Err(document
                .failure(
                    role.span(),
                    format!(
                        "role \"{}\" has rules on {name} and bypasses all of them",
                        role.get_ref()
                    ),
                )
                .detail("`bypass` lists the roles that row-level security does not bind.")
                .hint("Take it out of one of the two."));
        }
        let rules = rules.get_ref();
        for (command, rule) in Command::ALL.into_iter().zip([
            &rules.select,
            &rules.insert,
            &rules.update,
            &rules.delete,
        ]) {
            let missing = match rule.get_ref() {
                Rule::Tenant | Rule::Within if entry.tenant.is_none() => "tenant",
                Rule::Own if entry.owner.is_none() => "owner",
                _ => continue,
            };
            return Err(document
                .failure(
                    rule.span(),
                    format!(
                        "{} on {name} needs the `{missing}` column",
                        command.as_str()
                    ),
                )
                .hint(format!("Add to the table: {missing} = \"<column>\"")));
        }
        roles.insert(
            role.get_ref().clone(),
            Rules {
                select: *rules.select.get_ref(),
                insert: *rules.insert.get_ref(),
                update: *rules.update.get_ref(),
                delete: *rules.delete.get_ref(),
            },
        );
    }
    Ok(roles)
}

fn function(document: &Document, entry: FunctionEntry) -> Result<FunctionAccess> {
    let span = entry.name.span();
    let function: Function = entry
        .name
        .get_ref()
        .parse()
        .map_err(|error: String| document.failure(span.clone(), error))?;
    let callers = entry.callers.get_ref();
    let once = callers
        .iter()
        .enumerate()
        .all(|(at, role)| !role.is_empty() && !callers[..at].contains(role));
    if callers.is_empty() || !once {
        return Err(document.failure(
            entry.callers.span(),
            format!("function {function} names no caller, or one twice"),
        ));
    }
    if let Some(door) = entry
        .door
        .as_ref()
        .filter(|door| door.get_ref().trim().is_empty())
    {
        return Err(document
            .failure(door.span(), format!("the door of {function} says nothing"))
            .hint("Say which secret it wants, and what it tells: door = \"a key's hash gives the key's tenant\""));
    }
    Ok(FunctionAccess {
        function,
        callers: entry.callers.into_inner(),
        door: entry.door.map(Spanned::into_inner),
        enters: entry.enters.map(Spanned::into_inner),
        span,
    })
}

fn membership(document: &Document, entry: MembershipEntry) -> Result<Membership> {
    identifier(document, &entry.user)?;
    identifier(document, &entry.tenant)?;
    Ok(Membership {
        span: entry.table.span(),
        table: entry.table.into_inner(),
        user: entry.user.into_inner(),
        tenant: entry.tenant.into_inner(),
    })
}

/// `column`, or `foreign_key_column.column`, as far as it takes.
fn carried(document: &Document, path: &Spanned<String>) -> Result<Carried> {
    let mut through: Vec<String> = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for c in path.get_ref().chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => through.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    for name in through.iter().chain([&word]) {
        identifier(document, &Spanned::new(path.span(), name.clone()))?;
    }
    Ok(Carried {
        through,
        column: word,
        span: path.span(),
    })
}

pub(super) fn twice(document: &Document, span: Range<usize>, what: &str, name: &str) -> Failure {
    document.failure(span, format!("{what} \"{name}\" was given twice"))
}

fn identifier(document: &Document, name: &Spanned<String>) -> Result<()> {
    let text = name.get_ref();
    match text.is_empty() || text.contains('\0') || text.len() > NAME_BYTES_MAX {
        true => Err(document.failure(name.span(), "a name is empty, too long or has a NUL byte")),
        false => Ok(()),
    }
}
