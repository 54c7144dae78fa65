//! Differences that the versions of extensions explain.

use std::collections::BTreeMap;

use super::{Change, Difference, Severity};
use crate::catalog::{Kind, Value};
use crate::spec::manifest::Range;

/// An extension that is newer than the one the spec was proved with, and that `edu.toml` admits, is no
/// drift; and what AGE's members are granted is comparable for one AGE version only.
pub fn forgive_newer_extensions(
    differences: &mut Vec<Difference>,
    ranges: &BTreeMap<String, Range>,
) {
    let mut other_age = false;
    for difference in differences.iter_mut() {
        let Change::Facet {
            facet: "version",
            expected: Some(Value::Text(expected)),
            actual: Some(Value::Text(actual)),
        } = &difference.change
        else {
            continue;
        };
        if difference.id.kind != Kind::Extension {
            continue;
        }
        let name = difference.id.name.trim_matches('"');
        other_age |= name == "age";
        let admitted = ranges.get(name).is_some_and(|range| range.admits(actual));
        if admitted && numbers(actual) > numbers(expected) {
            difference.severity = Severity::Note;
            "it is newer than the one the spec was proved with, and edu.toml admits it"
                .clone_into(&mut difference.consequence);
        }
    }
    if other_age {
        differences.retain(|difference| difference.id.kind != Kind::ExtensionPrivileges);
    }
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect()
}
