//! Guesses at renames, told as hints and never acted on: one object is missing, another of its kind is
//! not in the spec, and everything else about them is equal.

use super::{Change, Difference};
use crate::catalog::{Catalog, Id};

/// Adds a hint where exactly one pair fits.
pub(super) fn hint(differences: &mut [Difference], expected: &Catalog, actual: &Catalog) {
    let of = |change: &Change, differences: &[Difference]| -> Vec<Id> {
        differences
            .iter()
            .filter(|d| d.change == *change)
            .map(|d| d.id.clone())
            .collect()
    };
    let missing = of(&Change::Missing, differences);
    let unexpected = of(&Change::Unexpected, differences);
    for gone in &missing {
        let mut fits = unexpected.iter().filter(|new| {
            new.kind == gone.kind
                && new.on == gone.on
                && actual.objects.get(*new) == expected.objects.get(gone)
        });
        let (Some(new), None) = (fits.next(), fits.next()) else {
            continue;
        };
        let text = format!("perhaps renamed: {} is found as {}", gone.name, new.name);
        for difference in differences
            .iter_mut()
            .filter(|d| d.id == *gone || d.id == *new)
        {
            difference.hint = Some(text.clone());
        }
    }
}
