//! Builds: settings, announcement, progress, cancelling, several at once.

use rustix::process::Signal;

use super::shop::{Shop, declared, until};

#[test]
fn a_build_announces_what_it_needs_and_leaves_the_table_as_it_was() {
    let shop = Shop::new(&declared("recall_floor = 0.9"), 3_000);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(
        run.says("public.item_e: 3000 rows, index of about"),
        "{run:?}"
    );
    assert!(
        run.says("wanted,") && run.says("given; 2 processes"),
        "{run:?}"
    );
    assert!(run.says("public.item_e: built in"), "{run:?}");
    let options = shop
        .db
        .one("SELECT reloptions FROM pg_class WHERE relname = 'item'");
    assert_eq!(options, "NULL");
    assert_eq!(shop.indexes(), ["item_e"]);
}

#[test]
fn an_index_on_an_empty_table_is_built_without_a_word_about_memory() {
    let shop = Shop::new(&declared(""), 0);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(!run.says("wanted") && run.says("built in"), "{run:?}");
}

#[test]
fn a_graph_that_outgrows_its_memory_is_foreseen_within_three_per_cent() {
    outgrow(&[("vector", 16, 1_900, 7_700)]);
}

#[test]
#[ignore = "builds for a minute; part of `just bench-vectors`"]
fn a_graph_of_any_shape_that_outgrows_its_memory_is_foreseen_within_three_per_cent() {
    outgrow(&[
        ("vector", 32, 1_900, 7_200),
        ("halfvec", 16, 3_800, 7_700),
        ("halfvec", 32, 3_800, 7_200),
    ]);
}

/// Builds with too little memory, and compares the row that edu foresees with the one the server names.
fn outgrow(shapes: &[(&str, u32, u32, u32)]) {
    for (element, m, dims, rows) in shapes {
        let declaration = declared(&format!("m = {m}\nef_construction = {}", 2 * m))
            .replace("vector_cosine", &format!("{element}_cosine"));
        let shop = Shop::new(&declaration, 0);
        // Sums of a few random vectors: many different rows without many random numbers.
        shop.db.run(&format!(
            "ALTER TABLE item ALTER COLUMN e TYPE {element}({dims}) USING NULL;
             CREATE TEMP TABLE part AS SELECT i, ARRAY(SELECT random() - 0.5
                 FROM generate_series(1, {dims}) g WHERE g > i - i)::vector AS v FROM generate_series(1, 96) i;
             INSERT INTO item SELECT row_number() OVER (), 1, (a.v + b.v)::{element}
             FROM part a JOIN part b ON a.i <> b.i LIMIT {rows};
             ANALYZE item"
        ));
        let run = shop.edu(&["db", "index", "--memory", "64MB"]).expect(0);
        let number = |before: &str, after: &str| -> f64 {
            let text = run.stderr.split(before).nth(1).expect(&run.stderr);
            let text = text.split(after).next().expect("a number");
            text.trim().parse().expect(text)
        };
        let foreseen = number("memory is full after about", "rows");
        let seen = number("maintenance_work_mem after", "tuples");
        let error = (foreseen / seen - 1.0).abs();
        assert!(
            error < 0.03,
            "{element}, m {m}: {foreseen} foreseen, {seen} seen"
        );
    }
}

#[test]
fn a_blocker_is_named_while_the_build_waits_for_it() {
    let shop = Shop::new(&declared(""), 300);
    let mut writer = shop.old_writer();
    let mut edu = shop.start(&["db", "index"]);
    edu.hear("waits for session");
    writer.run("COMMIT");
    let (code, said) = edu.end();
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("application \"slow writer\"") && said.contains("last: "),
        "{said}"
    );
}

#[test]
fn a_build_that_waits_too_long_is_given_up_and_leaves_nothing() {
    let shop = Shop::new(&declared(""), 300);
    let _snapshot = shop.old_snapshot();
    let run = shop.edu(&["db", "index", "--max-wait", "1s"]).expect(6);
    assert!(
        run.says("waited longer than --max-wait") && run.says("was removed"),
        "{run:?}"
    );
    assert!(shop.indexes().is_empty());
}

#[test]
fn ctrl_c_breaks_the_build_off_on_the_server_and_removes_its_rest() {
    let shop = Shop::new(&declared(""), 300);
    let snapshot = shop.old_snapshot();
    let edu = shop.start(&["db", "index"]);
    shop.await_phase("waiting for old snapshots");
    edu.signal(Signal::INT);
    let (code, said) = edu.end();
    assert_eq!(code, 130, "{said}");
    assert!(
        said.contains("The invalid rest of index public.item_e was removed"),
        "{said}"
    );
    assert!(shop.indexes().is_empty());
    drop(snapshot);
    shop.mended();
}

#[test]
fn several_tables_are_built_on_at_once() {
    let second = declared("")
        .replace("item_e", "other_e")
        .replace("public.item\"", "public.other\"");
    let shop = Shop::new(&format!("{}{second}", declared("")), 2_500);
    shop.db.run("CREATE TABLE other AS SELECT * FROM item");
    let snapshot = shop.old_snapshot();
    let edu = shop.start(&["db", "index", "--jobs", "2"]);
    until("two builds at once", || {
        let builds = shop.db.one(&format!(
            "SELECT count(DISTINCT relid) FROM pg_stat_progress_create_index WHERE datname = '{}'",
            shop.db.name
        ));
        (builds == "2").then_some(())
    });
    drop(snapshot);
    let (code, said) = edu.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(shop.indexes(), ["item_e", "other_e"]);
}

#[test]
fn the_phases_are_seen_in_order() {
    let shop = Shop::new(&declared(""), 300);
    let mut writer = shop.old_writer();
    let mut snapshot = shop.db.session("postgres");
    let mut edu = shop.start(&["db", "index"]);
    shop.await_phase("waiting for writers before build");
    edu.hear("waits for session");
    snapshot.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
    writer.run("COMMIT");
    shop.await_phase("waiting for old snapshots");
    edu.hear("waiting for old snapshots");
    snapshot.run("COMMIT");
    assert_eq!(edu.end().0, 0);
}

#[test]
fn a_login_without_any_privilege_but_its_own_table_builds_and_stops_a_build() {
    let shop = Shop::new(&declared(""), 2_500);
    let login = format!("plain_{}", shop.db.name);
    shop.db.run(&format!("CREATE ROLE {login} LOGIN; ALTER TABLE item OWNER TO {login}; GRANT CREATE ON SCHEMA public TO {login}"));
    let url = shop.db.url_as(&login);
    let snapshot = shop.old_snapshot();
    let edu = super::shop::Running::start(&shop.project, &["db", "index", "--url", &url]);
    shop.await_phase("waiting for old snapshots");
    edu.signal(Signal::INT);
    let (code, said) = edu.end();
    assert_eq!(code, 130, "{said}");
    assert!(
        said.contains("given; 2 processes") && shop.indexes().is_empty(),
        "{said}"
    );
    drop(snapshot);
    shop.project.edu(&["db", "index", "--url", &url]).expect(0);
    let run = shop
        .project
        .edu(&["db", "index", "status", "--url", &url])
        .expect(0);
    assert!(
        run.says("what it was really built with was not checked"),
        "{run:?}"
    );
}
