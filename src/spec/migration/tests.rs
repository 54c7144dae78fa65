//! Claims about migration files.

use super::*;

fn document(file: &str, text: &str) -> Document {
    Document {
        path: format!("migrations/{file}"),
        text: text.to_owned(),
    }
}

fn read(files: &[(&str, &str)]) -> Result<Vec<Migration>> {
    migrations(
        &files
            .iter()
            .map(|(file, text)| document(file, text))
            .collect::<Vec<_>>(),
    )
}

fn refusal(files: &[(&str, &str)]) -> Failure {
    let failure = read(files).unwrap_err();
    assert_eq!(failure.exit, crate::failure::Exit::Usage);
    failure
}

fn place(text: &str) -> (String, (usize, usize)) {
    let failure = refusal(&[("V1__a.sql", text)]);
    (failure.error, failure.excerpt.unwrap().position())
}

#[test]
fn migrations_come_by_version_with_their_way_back() {
    let found = read(&[
        ("V20260101120000__late.sql", "select 3;"),
        ("V0002__b.down.sql", "-- edu: no-transaction\nvacuum;"),
        ("V0000__boot.sql", "-- edu: role superuser\nselect 1;"),
        ("V0002__b.sql", "select 2; select 3"),
        ("README.md", "read me"),
        (".gitkeep", ""),
    ])
    .unwrap();
    let versions: Vec<_> = found
        .iter()
        .map(|m| (m.version, m.name.as_str(), m.down.is_some()))
        .collect();
    assert_eq!(
        versions,
        [
            (0, "boot", false),
            (2, "b", true),
            (20_260_101_120_000, "late", false)
        ]
    );
    assert!(found[0].needs_superuser() && !found[1].needs_superuser());
    assert_eq!(found[1].up.script.statements.len(), 2);
}

#[test]
fn a_file_of_another_shape_is_told_the_expected_one() {
    for (file, suggestion) in [
        ("0001_users.sql", "V0001__users.sql"),
        ("V0001_users.sql", "V0001__users.sql"),
        ("v3__users.sql", "V3__users.sql"),
        ("V__users.sql", "V0001__users.sql"),
        ("V1__add-users.sql", "V1__add_users.sql"),
        ("V1__users.SQL", "V1__users.sql"),
        ("V1.5__users.sql", "V1__change.sql"),
    ] {
        let failure = refusal(&[(file, "select 1")]);
        assert!(
            failure.detail[0].contains("V<version>__<name>.sql"),
            "{file}"
        );
        assert!(
            failure.hint.as_ref().unwrap().ends_with(suggestion),
            "{file}: {:?}",
            failure.hint
        );
    }
}

#[test]
fn an_unversioned_migration_is_refused_with_the_reason() {
    let failure = refusal(&[("U2__x.sql", "select 1")]);
    assert!(failure.detail[0].contains("any order"));
    assert!(failure.hint.unwrap().ends_with("V2__x.sql"));
}

#[test]
fn a_version_given_twice_names_both_files() {
    let failure = refusal(&[("V0001__a.sql", "select 1"), ("V1__b.sql", "select 1")]);
    assert!(failure.detail[0].contains("V0001__a.sql") && failure.detail[0].contains("V1__b.sql"));
}

#[test]
fn a_version_beyond_the_history_is_refused() {
    assert!(
        refusal(&[("V9223372036854775808__a.sql", "select 1")])
            .error
            .contains("too large")
    );
}

#[test]
fn a_way_back_needs_its_way_there_with_the_same_name() {
    assert!(
        refusal(&[("V1__a.down.sql", "select 1")])
            .error
            .contains("does not exist")
    );
    let failure = refusal(&[("V1__a.sql", "select 1"), ("V1__b.down.sql", "select 1")]);
    assert!(failure.detail[0].contains("V1__a.sql"));
}

#[test]
fn an_irreversible_migration_has_no_way_back() {
    let failure = refusal(&[
        ("V1__a.sql", "-- edu: irreversible\nselect 1"),
        ("V1__a.down.sql", "select 1"),
    ]);
    assert!(failure.error.contains("irreversible"));
}

#[test]
fn a_migration_without_statements_is_refused() {
    assert!(
        refusal(&[("V1__a.sql", "-- later\n;\n")])
            .error
            .contains("has no statement")
    );
}

#[test]
fn a_statement_that_needs_no_transaction_is_named_with_place_and_fix() {
    let text = "-- x\nselect 1;\n  CREATE INDEX CONCURRENTLY i ON t (a);";
    let (error, found) = place(text);
    assert!(error.contains("CREATE INDEX CONCURRENTLY"), "{error}");
    assert_eq!(found, (3, 3));
    assert!(read(&[("V1__a.sql", &format!("-- edu: no-transaction\n{text}"))]).is_ok());
}

#[test]
fn transaction_control_is_refused_even_without_a_transaction() {
    assert_eq!(place("begin;\nselect 1;").1, (1, 1));
    assert_eq!(
        place("-- edu: no-transaction\nselect 1;\nCOMMIT;").1,
        (3, 1)
    );
    assert!(read(&[("V1__a.sql", "savepoint a; rollback to a;")]).is_ok());
}

#[test]
fn a_concurrent_index_without_a_name_is_refused() {
    let (error, found) = place("-- edu: no-transaction\ncreate index concurrently on t (a);");
    assert!(error.contains("without a name"), "{error}");
    assert_eq!(found, (2, 1));
}

#[test]
fn a_harmless_edit_keeps_the_fingerprint_and_a_real_one_does_not() {
    let of = |text: &str| read(&[("V1__a.sql", text)]).unwrap()[0].fingerprint();
    assert_eq!(of("select 1;"), of("-- why\nselect\r\n  1 ;"));
    assert_ne!(of("select 1;"), of("select 2;"));
}
