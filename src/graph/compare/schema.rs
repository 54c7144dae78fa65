//! The constraints that a label's property schema compiles to.

use super::Wanted;
use super::ends::ENDS;
use super::isolation::GUARD;
use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::graph::expression::canonical;
use crate::graph::finding::{Finding, Phase};
use crate::graph::live;
use crate::graph::schema::{Check, KEYS, PREFIX, checks};
use crate::spec::ontology::Label;

/// Compares a label's constraints with its schema. On a table with rows a new constraint is first made
/// for new rows alone; that the old ones keep it is proved in a step of its own, which blocks nobody.
pub(super) fn label(
    wanted: Wanted<'_>,
    label: &Label,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let table = wanted.table(&label.name)?;
    let checks = checks(label)?;
    for check in &checks {
        let name = quote_ident(&check.name);
        let object = format!("constraint {} on {}", check.name, label.name);
        let what = format!("property checks of {}", label.name);
        let not_valid = if found.occupied { " NOT VALID" } else { "" };
        let add = format!(
            "ADD CONSTRAINT {name} CHECK ({}){not_valid}",
            check.condition
        );
        let here = found
            .constraints
            .iter()
            .find(|other| other.kind == "c" && other.name == check.name);
        match here {
            None => findings.push(
                Finding::new("check-missing", &object, "it does not exist").mended_by(
                    Phase::Structure,
                    &what,
                    format!("ALTER TABLE {table} {add}"),
                ),
            ),
            Some(other) if canonical(&other.condition) != canonical(&check.condition) => findings
                .push(
                    Finding::new(
                        "check-differs",
                        &object,
                        format!("it is {}, declared is {}", other.condition, check.condition),
                    )
                    .mended_by(
                        Phase::Structure,
                        &what,
                        format!("ALTER TABLE {table} DROP CONSTRAINT {name}, {add}"),
                    ),
                ),
            Some(other) if !other.validated => findings.push(
                Finding::new(
                    "check-not-valid",
                    &object,
                    "old rows were not proved against it",
                )
                .mended_by(
                    Phase::Validate,
                    format!("proof of the property checks of {}", label.name),
                    format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
                )
                .over(found.rows),
            ),
            Some(_) => {}
        }
    }
    others(wanted, found, &checks, findings);
    Ok(())
}

/// Tells and removes constraints of edu's that the ontology no longer asks for, and tells those of
/// others.
pub(super) fn others(
    wanted: Wanted<'_>,
    found: &live::Label,
    checks: &[Check],
    findings: &mut Vec<Finding>,
) {
    for other in found
        .constraints
        .iter()
        .filter(|other| other.kind == "c" && !other.inherited)
    {
        let ours = other.name.starts_with(PREFIX) || other.name == KEYS;
        if other.name == GUARD
            || other.name == ENDS
            || checks.iter().any(|check| check.name == other.name)
        {
            continue;
        }
        let object = format!("constraint {} on {}", other.name, found.label);
        let finding = Finding::new(
            "check-undeclared",
            &object,
            "no property schema asks for it",
        );
        findings.push(match wanted.table(&found.label) {
            Ok(table) if ours => finding.mended_by(
                Phase::Structure,
                format!("removal of {object}"),
                format!(
                    "ALTER TABLE {table} DROP CONSTRAINT {}",
                    quote_ident(&other.name)
                ),
            ),
            _ => finding,
        });
    }
}
