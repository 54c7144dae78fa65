//! Squawk's rules: those that hold for every project. Where edu has a hazard of the same meaning, the finding
//! goes by the hazard's name, and is told once.
//!
//! Left out: rules about style (types, IF NOT EXISTS), and those that edu itself answers (timeouts,
//! transactions).

use squawk_linter::{Linter, Rule};
use squawk_syntax::SourceFile;

use super::{Found, at};
use crate::spec::migration::SqlFile;
use crate::sql::hazard::Hazard;
use crate::sql::rule;

/// Squawk's rules, and the hazard that each is where it is one.
const RULES: &[(Rule, Option<Hazard>)] = &[
    (
        Rule::RequireConcurrentIndexCreation,
        Some(Hazard::IndexBlocksWrites),
    ),
    (
        Rule::DisallowedUniqueConstraint,
        Some(Hazard::IndexBlocksWrites),
    ),
    (
        Rule::RequireConcurrentReindex,
        Some(Hazard::IndexBlocksWrites),
    ),
    (
        Rule::ConstraintMissingNotValid,
        Some(Hazard::TableScanUnderLock),
    ),
    (
        Rule::AddingForeignKeyConstraint,
        Some(Hazard::TableScanUnderLock),
    ),
    (
        Rule::AddingNotNullableField,
        Some(Hazard::TableScanUnderLock),
    ),
    (Rule::AddingFieldWithDefault, Some(Hazard::TableRewrite)),
    (
        Rule::AddingSerialPrimaryKeyField,
        Some(Hazard::TableRewrite),
    ),
    (Rule::ChangingColumnType, Some(Hazard::TableRewrite)),
    (Rule::RenamingColumn, Some(Hazard::BreaksRunningCode)),
    (Rule::RenamingTable, Some(Hazard::BreaksRunningCode)),
    (Rule::BanDropColumn, Some(Hazard::DataLoss)),
    (Rule::BanDropTable, Some(Hazard::DataLoss)),
    (Rule::BanDropDatabase, Some(Hazard::DataLoss)),
    (Rule::BanTruncateCascade, Some(Hazard::DataLoss)),
    (Rule::AddingRequiredField, None),
    (Rule::BanDropNotNull, None),
    (Rule::RequireConcurrentIndexDeletion, None),
    (Rule::RequireConcurrentPartitionDetach, None),
    (Rule::BanCharField, None),
    (Rule::IdentifierTooLong, None),
    (Rule::BanDuplicateColumnAssignments, None),
];

/// Adds what squawk finds and `found` does not tell yet.
pub(super) fn add(file: &SqlFile, found: &mut Vec<Found>) {
    let text = &file.document.text;
    let mut linter = Linter::from(RULES.iter().map(|(rule, _)| *rule));
    linter.settings.assume_in_transaction = !file.header.no_transaction;
    for violation in linter.lint(&SourceFile::parse(text), text) {
        let Some((_, hazard)) = RULES.iter().find(|(rule, _)| *rule == violation.code) else {
            continue;
        };
        let start = usize::from(violation.text_range.start());
        let statements = &file.script.statements;
        let statement = statements.iter().find(|one| one.span.end > start);
        let begin = statement.map_or(start, |one| one.body.start.max(start.min(one.body.start)));
        let id = match hazard {
            Some(hazard) => hazard.id(),
            None => match rule::of(&violation.code.to_string()) {
                Some(rule) => rule.id,
                None => continue,
            },
        };
        let one = at(&file.document, begin, id, violation.message.trim());
        let told = |other: &Found| other.line == one.line && other.id == one.id;
        if !found.iter().any(told) {
            found.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_squawks_is_a_hazard_or_explained() {
        for (rule, hazard) in RULES {
            assert!(
                hazard.is_some() || rule::of(&rule.to_string()).is_some(),
                "{rule}"
            );
        }
    }
}
