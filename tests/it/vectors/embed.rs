//! `edu db embed`: another dimension for a column in use.

use rustix::process::Signal;

use super::shop::{Shop, declared};

/// Gives a row's new vector from its id: 16 dimensions.
const SQL: &str = "ARRAY(SELECT id + g FROM generate_series(1, 16) g)::vector";

fn shop() -> Shop {
    let shop = Shop::new(&declared(""), 500);
    shop.db.run("ALTER TABLE item ALTER COLUMN e SET NOT NULL");
    shop.edu(&["db", "index"]).expect(0);
    shop
}

fn columns(shop: &Shop) -> Vec<String> {
    let sql = "SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
               FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 2 AND NOT attisdropped ORDER BY attname";
    shop.db
        .rows(sql)
        .into_iter()
        .map(|row| row[0].clone())
        .collect()
}

#[test]
fn a_column_gets_another_dimension_under_writers_and_the_old_one_goes_when_told() {
    let shop = shop();
    let mut writer = shop.db.session("postgres");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 0_u32;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                at += 1;
                // The application writes 32 dimensions before the exchange and 16 after it.
                let old = format!("UPDATE item SET e = e + e WHERE id = {}", 1 + at % 500);
                let _ = writer.attempt(&old);
            }
        });
        let run = shop.edu(&[
            "db",
            "embed",
            "migrate",
            "--column",
            "e",
            "--to",
            "vector(16)",
            "--sql",
            SQL,
            "--pause",
            "1ms",
        ]);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        let run = run.expect(0);
        assert!(
            run.says("column e of public.item is vector(16) now"),
            "{run:?}"
        );
    });
    assert_eq!(
        columns(&shop),
        ["e vector(16) not null", "e_edu_prev vector(32)"]
    );
    assert_eq!(shop.indexes(), ["item_e", "item_e_edu_prev"]);
    assert_eq!(
        shop.db.one("SELECT count(*) FROM item WHERE e IS NULL"),
        "0"
    );
    shop.edu(&["db", "embed", "finish", "--column", "e"])
        .expect(0);
    assert_eq!(columns(&shop), ["e vector(16) not null"]);
    assert_eq!(shop.indexes(), ["item_e"]);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(run.says("valid, as declared"), "{run:?}");
    let left = "SELECT count(*) FROM pg_proc WHERE proname LIKE '%edu\\_stale'";
    assert_eq!(shop.db.one(left), "0");
}

#[test]
fn a_command_gets_rows_without_vectors_and_gives_the_vectors() {
    let shop = shop();
    let command =
        r#"while read -r line; do case "$line" in *'"e"'*) exit 3;; esac; echo '[1,2,3]'; done"#;
    let migrate = [
        "db",
        "embed",
        "migrate",
        "--column",
        "e",
        "--to",
        "halfvec(3)",
        "--command",
    ];
    let failed = shop.edu(&[&migrate[..], &["exit 7"]].concat()).expect(2);
    assert!(failed.says("\"exit 7\" failed"), "{failed:?}");
    // A vector whose source changes is forgotten, because only the command knows the new one.
    shop.db.run("UPDATE item SET e_edu_next = '[9,9,9]' WHERE id = 1; UPDATE item SET e = e + e WHERE id = 1");
    assert_eq!(
        shop.db.one("SELECT e_edu_next FROM item WHERE id = 1"),
        "NULL"
    );
    let run = shop.edu(&[&migrate[..], &[command]].concat()).expect(0);
    assert!(
        run.says("going on where an earlier run stopped") && run.says("500 rows were filled"),
        "{run:?}"
    );
    assert_eq!(shop.db.one("SELECT DISTINCT e::text FROM item"), "[1,2,3]");
}

#[test]
fn a_change_that_was_killed_goes_on_and_one_that_is_not_wanted_is_undone() {
    let shop = shop();
    let migrate = [
        "db",
        "embed",
        "migrate",
        "--column",
        "e",
        "--to",
        "vector(16)",
        "--sql",
        SQL,
        "--batch",
        "10",
    ];
    let edu = shop.start(&[&migrate[..], &["--pause", "100ms"]].concat());
    let filled = "SELECT count(*) FROM item WHERE e_edu_next IS NOT NULL";
    super::shop::until("some rows to be filled", || {
        let there = "SELECT count(*) FROM pg_attribute WHERE attname = 'e_edu_next' AND attrelid = 'item'::regclass";
        (shop.db.one(there) == "1" && shop.db.one(filled) != "0").then_some(())
    });
    edu.signal(Signal::KILL);
    edu.end();
    let before: u32 = shop.db.one(filled).parse().unwrap();
    assert!((1..500).contains(&before));
    // A row that the application writes meanwhile gets its new vector at once.
    shop.db
        .run("INSERT INTO item SELECT 501, 1, e FROM item WHERE id = 1");
    let given = "SELECT e_edu_next IS NOT NULL FROM item WHERE id = 501";
    assert_eq!(shop.db.one(given), "t");
    let run = shop
        .edu(&["db", "embed", "rollback", "--column", "e"])
        .expect(0);
    assert!(run.says("the new column was dropped"), "{run:?}");
    assert_eq!(columns(&shop), ["e vector(32) not null"]);
    shop.mended();

    shop.edu(&migrate).expect(0);
    let run = shop.edu(&migrate).expect(8);
    assert!(run.says("was exchanged before"), "{run:?}");
    shop.edu(&["db", "embed", "rollback", "--column", "e"])
        .expect(0);
    assert_eq!(columns(&shop), ["e vector(32) not null"]);
    shop.mended();
    shop.edu(&["db", "embed", "finish", "--column", "e"])
        .expect(8);
}

#[test]
fn a_view_on_the_column_and_a_missing_key_are_refused_beforehand() {
    let shop = shop();
    let migrate = [
        "db",
        "embed",
        "migrate",
        "--column",
        "e",
        "--to",
        "vector(16)",
        "--sql",
        SQL,
    ];
    shop.db.run("CREATE VIEW seen AS SELECT id, e FROM item");
    let run = shop.edu(&migrate).expect(8);
    assert!(run.says("a view reads column e of public.item"), "{run:?}");
    shop.db
        .run("DROP VIEW seen; ALTER TABLE item DROP CONSTRAINT item_pkey");
    let run = shop.edu(&migrate).expect(8);
    assert!(run.says("table public.item has no primary key"), "{run:?}");
    assert_eq!(columns(&shop), ["e vector(32) not null"]);
}

const MIGRATE: [&str; 9] = [
    "db",
    "embed",
    "migrate",
    "--column",
    "e",
    "--to",
    "vector(16)",
    "--batch",
    "70",
];

/// The dimensions of all vectors of `item`, each with its number.
fn dimensions(shop: &Shop) -> Vec<Vec<String>> {
    shop.db
        .rows("SELECT vector_dims(e)::text, count(*)::text FROM item GROUP BY 1")
}

#[test]
fn rows_are_found_by_a_key_of_several_columns_of_any_type() {
    let shop = shop();
    shop.db.run(
        "ALTER TABLE item DROP CONSTRAINT item_pkey, ADD COLUMN at timestamptz, ADD COLUMN \"Über\" varchar(9);
         UPDATE item SET at = '2026-01-01 00:00:00.123456+00'::timestamptz + id % 7 * interval '1 us', \"Über\" = 'x\"' || id / 7;
         ALTER TABLE item ADD PRIMARY KEY (\"Über\", at)",
    );
    shop.edu(&[&MIGRATE[..], &["--sql", SQL]].concat())
        .expect(0);
    assert_eq!(dimensions(&shop), [["16", "500"]]);
    let wrong = "SELECT count(*) FROM item WHERE e <> ARRAY(SELECT id + g FROM generate_series(1, 16) g)::vector";
    assert_eq!(shop.db.one(wrong), "0", "every row has its own vector");
    shop.edu(&["db", "embed", "finish", "--column", "e"])
        .expect(0);
}

#[test]
fn every_tenants_rows_are_filled_where_row_security_is_forced() {
    let shop = shop();
    let owner = format!("owner_{}", shop.db.name);
    shop.project.write(
        "edu.toml",
        &format!("name = \"shop\"\n[roles]\nowner = \"{owner}\"\n"),
    );
    shop.db.run(&format!(
        "CREATE ROLE {owner} LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO {owner}; ALTER TABLE item OWNER TO {owner};
         ALTER TABLE item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY own ON item USING (tenant = current_setting('shop.tenant')::int)"
    ));
    let url = shop.db.url_as(&owner);
    let args = [&MIGRATE[..], &["--sql", SQL, "--url", &url]].concat();
    let refused = shop.project.edu(&args).expect(8);
    assert!(
        refused.says("row security is forced on public.item") && refused.says("BYPASSRLS"),
        "{refused:?}"
    );
    assert_eq!(columns(&shop), ["e vector(32) not null"]);
    shop.edu(&[&MIGRATE[..], &["--sql", SQL]].concat())
        .expect(0);
    assert_eq!(dimensions(&shop), [["16", "500"]]);
    let forced =
        "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = 'item'";
    assert_eq!(shop.db.one(forced), "t", "nothing was switched off");
    let owned = format!(
        "SELECT count(*) FROM pg_class WHERE relowner <> '{owner}'::regrole AND (relname LIKE 'item%' OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'item'::regclass))"
    );
    assert_eq!(shop.db.one(&owned), "0");
    shop.edu(&["db", "embed", "finish", "--column", "e"])
        .expect(0);
    shop.db.run(&format!(
        "DROP TABLE item; DROP OWNED BY {owner}; DROP ROLE {owner}"
    ));
}

#[test]
fn a_partitioned_table_is_filled_partition_by_partition_and_back() {
    let shop = shop();
    shop.db.run(
        "ALTER TABLE item RENAME TO old; DROP INDEX item_e;
         CREATE TABLE item (id int, tenant int NOT NULL, e vector(32) NOT NULL, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant);
         CREATE TABLE item_0 PARTITION OF item FOR VALUES IN (0);
         CREATE TABLE item_more PARTITION OF item DEFAULT PARTITION BY RANGE (id);
         CREATE TABLE item_more_1 PARTITION OF item_more FOR VALUES FROM (0) TO (350);
         CREATE TABLE item_more_2 PARTITION OF item_more DEFAULT;
         INSERT INTO item SELECT * FROM old; DROP TABLE old",
    );
    shop.edu(&["db", "index"]).expect(0);
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    let pending = "SELECT count(*) FROM pg_class WHERE relname LIKE '%edu\\_pending'";
    shop.edu(&[&MIGRATE[..], &["--sql", SQL]].concat())
        .expect(0);
    assert_eq!(dimensions(&shop), [["16", "500"]]);
    assert_eq!(
        (shop.db.one(invalid), shop.db.one(pending)),
        ("0".to_owned(), "0".to_owned())
    );
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(run.says("item_e: valid, as declared"), "{run:?}");
    shop.edu(&["db", "embed", "rollback", "--column", "e"])
        .expect(0);
    assert_eq!(dimensions(&shop), [["32", "500"]]);
    shop.edu(&[&MIGRATE[..], &["--sql", SQL]].concat())
        .expect(0);
    shop.edu(&["db", "embed", "finish", "--column", "e"])
        .expect(0);
    assert_eq!(columns(&shop), ["e vector(16) not null"]);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(run.says("item_e: valid, as declared"), "{run:?}");
}
