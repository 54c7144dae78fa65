//! From the text of `spec/access.toml` to its value, with every check that needs the text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Accepted, Access, Command, Exception, Function, FunctionAccess, Limit, Rule, Rules, TableAccess,
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionEntry {
    check: Spanned<String>,
    objects: Vec<Spanned<String>>,
    reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitEntry {
    id: Spanned<String>,
    objects: Vec<Spanned<String>>,
    text: Spanned<String>,
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
        tables,
        functions,
        exceptions: exceptions(document, file.exception)?,
        limits: limits(document, file.limit)?,
    })
}

fn table(document: &Document, bypass: &[String], entry: Table) -> Result<TableAccess> {
    let (name, span) = (entry.name.get_ref().clone(), entry.name.span());
    for column in entry
        .tenant
        .iter()
        .chain(&entry.owner)
        .chain(&entry.immutable)
    {
        identifier(document, column)?;
    }
    let mut immutable: Vec<String> = Vec::new();
    for column in entry.immutable {
        if immutable.contains(column.get_ref()) {
            return Err(twice(document, column.span(), "column", column.get_ref()));
        }
        immutable.push(column.into_inner());
    }
    if entry.access.0.is_empty() {
        return Err(document
            .failure(span, format!("table {name} gives nobody anything"))
            .detail("A role without an entry has no access; say so for at least one role.")
            .hint(
                "Write: access.<role> = { select = \"deny\", insert = \"deny\", update = \"deny\", delete = \"deny\" }",
            ));
    }
    let mut roles = BTreeMap::new();
    for (role, rules) in entry.access.0 {
        identifier(document, &role)?;
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
        let rules = rules.into_inner();
        for (command, rule) in Command::ALL.into_iter().zip([
            &rules.select,
            &rules.insert,
            &rules.update,
            &rules.delete,
        ]) {
            let missing = match rule.get_ref() {
                Rule::Tenant | Rule::Own if entry.tenant.is_none() => "tenant",
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
            role.into_inner(),
            Rules {
                select: rules.select.into_inner(),
                insert: rules.insert.into_inner(),
                update: rules.update.into_inner(),
                delete: rules.delete.into_inner(),
            },
        );
    }
    Ok(TableAccess {
        name,
        tenant: entry.tenant.map(Spanned::into_inner),
        owner: entry.owner.map(Spanned::into_inner),
        immutable,
        roles,
        span,
    })
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
    Ok(FunctionAccess {
        function,
        callers: entry.callers.into_inner(),
        span,
    })
}

fn exceptions(document: &Document, entries: Vec<ExceptionEntry>) -> Result<Vec<Exception>> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for entry in entries {
        let check = entry.check.get_ref();
        kebab(document, &entry.check)?;
        said(
            document,
            &entry.reason,
            &format!("exception `{check}` has no reason"),
        )?;
        some(document, &entry.objects, &entry.check)?;
        let mut objects: Vec<Accepted> = Vec::new();
        for object in entry.objects {
            let before = exceptions
                .iter()
                .filter(|other| other.check == *check)
                .flat_map(|other| &other.objects);
            if before
                .chain(&objects)
                .any(|other| other.object == *object.get_ref())
            {
                let what = format!("exception `{check}` for object");
                return Err(twice(document, object.span(), &what, object.get_ref()));
            }
            objects.push(Accepted {
                span: object.span(),
                object: object.into_inner(),
            });
        }
        exceptions.push(Exception {
            span: entry.check.span(),
            check: entry.check.into_inner(),
            objects,
            reason: entry.reason.into_inner(),
        });
    }
    Ok(exceptions)
}

fn limits(document: &Document, entries: Vec<LimitEntry>) -> Result<Vec<Limit>> {
    let mut limits: Vec<Limit> = Vec::new();
    for entry in entries {
        kebab(document, &entry.id)?;
        said(
            document,
            &entry.text,
            &format!("limit `{}` says nothing", entry.id.get_ref()),
        )?;
        some(document, &entry.objects, &entry.id)?;
        if limits.iter().any(|other| other.id == *entry.id.get_ref()) {
            return Err(twice(
                document,
                entry.id.span(),
                "limit",
                entry.id.get_ref(),
            ));
        }
        limits.push(Limit {
            id: entry.id.into_inner(),
            objects: entry.objects.into_iter().map(Spanned::into_inner).collect(),
            text: entry.text.into_inner(),
        });
    }
    Ok(limits)
}

fn twice(document: &Document, span: Range<usize>, what: &str, name: &str) -> Failure {
    document.failure(span, format!("{what} \"{name}\" was given twice"))
}

fn identifier(document: &Document, name: &Spanned<String>) -> Result<()> {
    let text = name.get_ref();
    match text.is_empty() || text.contains('\0') || text.len() > NAME_BYTES_MAX {
        true => Err(document.failure(name.span(), "a name is empty, too long or has a NUL byte")),
        false => Ok(()),
    }
}

fn kebab(document: &Document, id: &Spanned<String>) -> Result<()> {
    let text = id.get_ref();
    let fits = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match fits {
        true => Ok(()),
        false => Err(document.failure(id.span(), format!("id \"{text}\" is not in kebab-case"))),
    }
}

fn said(document: &Document, text: &Spanned<String>, error: &str) -> Result<()> {
    match text.get_ref().trim().is_empty() {
        true => Err(document.failure(text.span(), error)),
        false => Ok(()),
    }
}

fn some(document: &Document, objects: &[Spanned<String>], id: &Spanned<String>) -> Result<()> {
    if objects.is_empty() {
        return Err(document.failure(id.span(), format!("`{}` names no object", id.get_ref())));
    }
    match objects
        .iter()
        .find(|object| object.get_ref().trim().is_empty())
    {
        Some(object) => Err(document.failure(object.span(), "an object is empty")),
        None => Ok(()),
    }
}
