//! From differences to findings, for the commands that compare.

use std::fs;

use super::Invocation;
use crate::catalog::name::quote_ident;
use crate::catalog::{Catalog, Kind};
pub(super) use crate::diff::forgive::forgive_newer_extensions;
use crate::diff::{Change, Difference, Severity};
use crate::failure::{Failure, Result};
use crate::finding::{Finding, Findings, Level};
use crate::render::repair;
use crate::report::{Format, Output, render};

/// One difference as a finding. `database` names the one that a repair is run in.
pub(super) fn finding(
    difference: &Difference,
    expected: &Catalog,
    actual: &Catalog,
    database: &str,
) -> Finding {
    let id = &difference.id;
    let repair = repair(difference, expected, actual, &quote_ident(database));
    Finding {
        code: difference.code(),
        level: match difference.severity {
            Severity::Access => Level::Critical,
            Severity::Error => Level::Error,
            Severity::Note => Level::Note,
        },
        group: id.group().to_owned(),
        object: id.to_string(),
        message: difference.words(),
        consequence: difference.consequence.clone(),
        hint: difference
            .hint
            .clone()
            .or_else(|| way_out(difference, repair.is_some())),
        repair,
        path: None,
        place: None,
    }
}

/// The command that mends what no plain statement does.
fn way_out(difference: &Difference, repairable: bool) -> Option<String> {
    match (difference.id.kind, &difference.change) {
        (Kind::Graph | Kind::Label, Change::Missing) => Some("edu db graph".to_owned()),
        (
            Kind::Enum,
            Change::Facet {
                facet: "values", ..
            },
        ) if !repairable => Some(format!(
            "this cannot be repaired in place: values are neither removed nor moved. Write a migration: \
             ALTER TYPE {name} RENAME TO …; CREATE TYPE {name} AS ENUM (…) in the wanted order; for every \
             column of it ALTER TABLE … ALTER COLUMN … TYPE {name} USING …::text::{name}; DROP TYPE of the old one",
            name = difference.id.name
        )),
        (Kind::Extension, Change::Missing) | (Kind::ExtensionPrivileges, _) => {
            Some("edu db bootstrap".to_owned())
        }
        _ => None,
    }
}

/// Prints the report on stdout and writes it into the files that were asked for.
///
/// # Errors
/// Exit 2 when a file cannot be written.
pub(super) fn tell(findings: &Findings, outputs: &[Output], invocation: &Invocation) -> Result<()> {
    if !outputs.iter().any(|output| output.file.is_none()) {
        let text = render(findings, Format::Text)?;
        invocation.ui.answer(crate::ui::clean(&text));
    }
    for output in outputs {
        let text = render(findings, output.format)?;
        match &output.file {
            None => invocation.ui.answer(crate::ui::clean(&text)),
            Some(file) => fs::write(file, text + "\n")
                .map_err(|error| Failure::io(format!("write \"{}\"", file.display()), &error))?,
        }
    }
    Ok(())
}
