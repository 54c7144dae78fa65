//! Claims about mapping a foreign history.

use super::*;
use crate::spec::document::Document;
use crate::spec::migration::migrations;

fn files(names: &[&str]) -> Vec<Migration> {
    let document = |name: &&str| Document {
        path: format!("migrations/{name}.sql"),
        text: format!("SELECT '{name}';"),
    };
    migrations(&names.iter().map(document).collect::<Vec<_>>()).unwrap()
}

fn row(version: &str, name: &str) -> Foreign {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Foreign {
        label: format!("{version} {name}"),
        version: some(version),
        name: some(name),
        hash: None,
        applied_at: None,
        fate: Fate::Done,
    }
}

fn mapped(rows: &[Foreign], names: &[&str]) -> std::result::Result<Vec<i64>, String> {
    match map(rows, &files(names)) {
        Ok(all) => Ok(all.iter().map(|one| one.migration.version).collect()),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn rows_are_matched_by_version_name_or_text() {
    let names = ["V1__init", "V2__add_users", "V3__c"];
    let mut by_text = row("", "");
    by_text.hash = Some(checksum("SELECT 'V3__c';"));
    let rows = [row("001", "init"), row("1.1", "Add Users"), by_text];
    assert_eq!(mapped(&rows, &names).unwrap(), [1, 2, 3]);
}

#[test]
fn what_is_not_certain_is_refused_with_both_sides() {
    let names = ["V1__a", "V2__b", "V3__b"];
    let crossed = mapped(&[row("1", "b")], &names).unwrap_err();
    assert!(
        crossed.contains("V1__a.sql") && crossed.contains("V2__b.sql"),
        "{crossed}"
    );
    let twice = mapped(&[row("", "b")], &names).unwrap_err();
    assert!(
        twice.contains("V2__b.sql") && twice.contains("V3__b.sql"),
        "{twice}"
    );
    let both = mapped(&[row("1", ""), row("01", "a")], &names).unwrap_err();
    assert!(both.contains("\"1 \" and \"01 a\""), "{both}");
    assert!(
        mapped(&[row("9", "z")], &names)
            .unwrap_err()
            .contains("has no file")
    );
    let mut failed = row("1", "a");
    failed.fate = Fate::Failed;
    assert!(
        mapped(&[failed], &names)
            .unwrap_err()
            .contains("did not succeed")
    );
}

#[test]
fn a_last_version_stands_for_all_before_it_and_undone_ones_do_not_count() {
    let names = ["V1__a", "V2__b", "V3__c"];
    let mut last = row("2", "");
    last.fate = Fate::UpTo;
    assert_eq!(mapped(&[last], &names).unwrap(), [1, 2]);
    let mut undone = row("2", "b");
    undone.fate = Fate::Undone;
    assert_eq!(
        mapped(&[row("1", "a"), row("2", "b"), undone], &names).unwrap(),
        [1]
    );
}
