//! Claims about plans.

use super::facts::{Facts, Live};
use super::*;
use crate::spec::document::Document;
use crate::spec::migration::migrations;

fn live(name: &str, bytes: u64) -> Live {
    Live {
        schema: "public".into(),
        name: name.into(),
        bytes,
        rows: Some(1000),
        has_rows: bytes > 0,
        ..Live::default()
    }
}

fn facts(relations: Vec<Live>) -> Facts {
    Facts {
        database: "shop".into(),
        major: 17,
        has_rows: relations.iter().any(|one| one.has_rows),
        relations,
        graphs: vec!["g".into()],
    }
}

fn plan(text: &str, facts: &Facts) -> Plan {
    let document = Document {
        path: "migrations/V1__a.sql".into(),
        text: text.into(),
    };
    let all = migrations(&[document]).unwrap();
    let pending: Vec<Pending<'_>> = all
        .iter()
        .map(|migration| Pending::new(migration, &migration.up, false))
        .collect();
    draw(&pending, facts, "history")
}

fn ids(text: &str, facts: &Facts) -> Vec<&'static str> {
    plan(text, facts)
        .hazards()
        .map(|(_, _, hazard)| hazard.id.id())
        .collect()
}

#[test]
fn a_table_with_rows_has_hazards_that_an_empty_or_new_one_has_not() {
    let text = "ALTER TABLE note ADD CHECK (a > 0); CREATE INDEX i ON note (a);";
    let full = facts(vec![live("note", 12 << 30)]);
    assert_eq!(
        ids(text, &full),
        [
            "table-scan-under-lock",
            "exclusive-lock",
            "index-blocks-writes"
        ]
    );
    assert!(ids(text, &facts(vec![live("note", 0)])).is_empty());
    assert!(ids(text, &facts(vec![])).is_empty());
    let made = "CREATE TABLE note (a int); CREATE INDEX i ON note (a);";
    assert!(ids(made, &facts(vec![live("other", 9000)])).is_empty());
    let there = "CREATE TABLE IF NOT EXISTS note (a int); CREATE INDEX i ON note (a);";
    assert_eq!(ids(there, &full), ["index-blocks-writes"]);
}

#[test]
fn the_message_names_table_size_and_whom_it_blocks() {
    let plan = plan(
        "CREATE INDEX i ON note (a);",
        &facts(vec![live("note", 12 << 30)]),
    );
    let (_, line, hazard) = plan.hazards().next().unwrap();
    assert_eq!(line, 1);
    assert_eq!(
        hazard.message,
        "blocks writes on public.note (12 GB, about 1000 rows) while the index is built"
    );
}

#[test]
fn a_proved_not_null_and_a_longer_varchar_need_no_work() {
    let mut note = live("note", 9000);
    note.not_null.push("a".into());
    note.columns
        .insert("b".into(), "character varying(10)".into());
    let facts = facts(vec![note]);
    assert!(ids("ALTER TABLE note ALTER a SET NOT NULL;", &facts).is_empty());
    assert_eq!(
        ids("ALTER TABLE note ALTER b SET NOT NULL;", &facts),
        ["table-scan-under-lock"]
    );
    assert!(ids("ALTER TABLE note ALTER b TYPE varchar(20);", &facts).is_empty());
    assert_eq!(
        ids("ALTER TABLE note ALTER b TYPE varchar(5);", &facts),
        ["table-rewrite"]
    );
}

#[test]
fn an_allowance_lets_a_hazard_pass_and_one_too_many_is_found() {
    let facts = facts(vec![live("note", 9000)]);
    let text = "DROP TABLE note;";
    let failure = plan(text, &facts).refuse_hazards().unwrap_err();
    assert_eq!(failure.exit, crate::failure::Exit::Refused);
    assert!(
        failure
            .hint
            .unwrap()
            .contains("-- edu: allow data-loss reason=")
    );
    let allowed = plan(
        &format!("-- edu: allow data-loss reason=\"old\"\n{text}"),
        &facts,
    );
    allowed.refuse_hazards().unwrap();
    assert!(allowed.migrations[0].unused_allowances.is_empty());
    let unused = plan(
        &format!(
            "-- edu: allow table-rewrite reason=\"x\"\n-- edu: allow data-loss reason=\"old\"\n{text}"
        ),
        &facts,
    );
    assert_eq!(unused.migrations[0].unused_allowances, ["table-rewrite"]);
}

#[test]
fn what_stands_in_a_block_or_in_a_function_that_is_called_has_the_hazards_of_the_plain_statement() {
    let facts = facts(vec![live("note", 9000)]);
    let function = "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DROP TABLE note';";
    for text in [
        "DO $$ BEGIN DROP TABLE note; END $$;".to_owned(),
        "DO $$ BEGIN IF true THEN EXECUTE 'DROP TABLE note'; END IF; END $$;".to_owned(),
        "DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'note'); END $$;".to_owned(),
        "DO $o$ BEGIN EXECUTE 'DO $i$ BEGIN TRUNCATE note; END $i$'; END $o$;".to_owned(),
        format!("{function} SELECT f();"),
        format!("{function} DO $$ BEGIN PERFORM f(); END $$;"),
    ] {
        let found = ids(&text, &facts);
        assert!(found.contains(&"data-loss"), "{text}: {found:?}");
        assert!(plan(&text, &facts).refuse_hazards().is_err(), "{text}");
        let taken = format!("-- edu: allow data-loss reason=\"old\"\n{text}");
        let taken = plan(&taken, &facts);
        taken.refuse_hazards().unwrap();
        assert!(taken.migrations[0].unused_allowances.is_empty(), "{text}");
    }
    // Nobody calls it: what it is for may well be to delete.
    plan(function, &facts).refuse_hazards().unwrap();
    let open = function.replace(
        "DROP TABLE note",
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
    );
    assert_eq!(ids(&open, &facts), ["weakens-isolation"]);
    let block = "DO $$ BEGIN CREATE INDEX i ON note (a); END $$;";
    assert!(ids(block, &facts).contains(&"index-blocks-writes"));
    assert!(
        !ids(block, &super::tests::facts(vec![live("note", 0)])).contains(&"index-blocks-writes")
    );
}

#[test]
fn a_concurrent_index_on_a_graph_is_refused_even_where_nothing_is_yet() {
    let text = "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY i ON g.\"L\" (properties);";
    let empty = facts(vec![]);
    assert_eq!(ids(text, &empty), ["concurrent-index-on-graph"]);
    assert!(plan(text, &empty).refuse_hazards().is_err());
    let other = "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY i ON note (a);";
    assert!(ids(other, &facts(vec![live("note", 9000)])).is_empty());
}

#[test]
fn a_name_without_a_schema_is_looked_for_everywhere() {
    let mut note = live("note", 9000);
    note.schema = "app".into();
    assert_eq!(ids("DROP TABLE note;", &facts(vec![note])), ["data-loss"]);
}

#[test]
fn a_plan_survives_json_and_tells_what_moved() {
    let facts = facts(vec![live("note", 9000)]);
    let one = plan("CREATE INDEX i ON note (a);", &facts);
    let json = serde_json::to_string(&one).unwrap();
    let read: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!(read, one);
    one.refuse_if_moved(&read).unwrap();
    let other = plan("CREATE INDEX j ON note (a);", &facts);
    assert!(
        other
            .refuse_if_moved(&one)
            .unwrap_err()
            .error
            .contains("V1__a.sql")
    );
    let mut changed = facts.clone();
    changed.relations[0].fingerprint = "x".into();
    let other = plan("CREATE INDEX i ON note (a);", &changed);
    assert!(
        other
            .refuse_if_moved(&one)
            .unwrap_err()
            .error
            .contains("a table")
    );
    let mut old = one.clone();
    old.edu = "0.0.1".into();
    assert_eq!(
        one.refuse_if_moved(&old).unwrap_err().exit,
        crate::failure::Exit::Refused
    );
}

#[test]
fn a_foreign_key_holds_up_both_tables_unless_its_own_is_empty() {
    let both = facts(vec![live("a", 9000), live("b", 9000)]);
    let text = "ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b (id);";
    assert_eq!(
        ids(text, &both),
        ["table-scan-under-lock", "table-scan-under-lock"]
    );
    assert!(ids(text, &facts(vec![live("a", 0), live("b", 9000)])).is_empty());
    let made = format!("CREATE TABLE a (x int); {text}");
    assert!(ids(&made, &facts(vec![live("b", 9000)])).is_empty());
    assert!(ids(&text.replace(';', " NOT VALID;"), &both).is_empty());
}
