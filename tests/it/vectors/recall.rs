//! What the indexes find, and how their state is told.

use super::shop::{Shop, declared};

const FLOOR: &str = "ef_search = 40\nrecall_floor = 0.9";

fn ivfflat() -> String {
    declared("lists = 100\nprobes = 1\nrecall_floor = 0.85").replace("hnsw", "ivfflat")
}

#[test]
fn a_good_index_passes_the_recall_gate() {
    let shop = Shop::new(&declared(FLOOR), 0);
    shop.clustered(4_000);
    shop.edu(&["db", "index"]).expect(0);
    let run = shop
        .edu(&["db", "index", "status", "--recall", "50"])
        .expect(0);
    assert!(run.says("public.item_e: valid, as declared"), "{run:?}");
    assert!(run.says("all rows, 50 searches: recall@10 "), "{run:?}");
    assert!(
        run.says("not measured as the application: spec/access.toml names no tenant"),
        "{run:?}"
    );
}

#[test]
fn an_ivfflat_index_built_on_an_empty_table_fails_until_it_is_rebuilt() {
    let shop = Shop::new(&ivfflat(), 0);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(
        run.says("the server says: ivfflat index created with little data"),
        "{run:?}"
    );
    shop.clustered(10_000);
    let run = shop
        .edu(&["db", "index", "status", "--recall", "50"])
        .expect(1);
    assert!(
        run.says("✗ its lists were made when the table had 0 rows; it has 10000 now"),
        "{run:?}"
    );
    assert!(
        run.says("✗ recall@10 is ") && run.says("declared is at least 0.85"),
        "{run:?}"
    );
    shop.edu(&["db", "index", "rebuild", "item_e"]).expect(0);
    shop.edu(&["db", "index", "status", "--recall", "50"])
        .expect(0);
}

#[test]
fn a_small_tenant_fails_without_the_iterative_scan_and_passes_with_it() {
    let shop = Shop::new(&declared(FLOOR), 0);
    shop.isolated();
    shop.clustered(10_000);
    shop.edu(&["db", "index"]).expect(0);
    let run = shop
        .edu(&["db", "index", "status", "--recall", "40"])
        .expect(1);
    assert!(
        run.says("as the application, tenant 2 with 5.0 % of the rows"),
        "{run:?}"
    );
    assert!(run.says("for tenant 2 (5.0 % of the rows"), "{run:?}");
    assert!(!run.says("✗ recall@10 is 0.9"), "{run:?}");
    let name = &shop.db.name;
    shop.db.run(&format!(
        "ALTER DATABASE {name} SET hnsw.iterative_scan = 'relaxed_order'"
    ));
    let run = shop
        .edu(&["db", "index", "status", "--recall", "40"])
        .expect(0);
    assert!(
        run.says("tenant 2 with 5.0 % of the rows: recall@10 ") && run.says("10.0 of 10.0 rows"),
        "{run:?}"
    );
}

#[test]
fn zero_and_null_vectors_are_told() {
    let shop = Shop::new(&declared(""), 300);
    shop.db.run("UPDATE item SET e = array_fill(0, ARRAY[32])::vector WHERE id <= 3; UPDATE item SET e = NULL WHERE id = 4");
    shop.edu(&["db", "index"]).expect(0);
    let run = shop.edu(&["db", "index", "status"]).expect(1);
    assert!(run.says("✗ 3 rows have a zero vector"), "{run:?}");
    assert!(run.says("· 1 rows have no vector"), "{run:?}");
}

#[test]
fn the_status_for_machines_has_every_figure() {
    let shop = Shop::new(&declared(FLOOR), 300);
    shop.edu(&["db", "index"]).expect(0);
    let run = shop
        .edu(&[
            "db", "index", "status", "--output", "json", "--recall", "10",
        ])
        .expect(0);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let index = &answer["indexes"][0];
    assert_eq!(index["name"], "public.item_e");
    assert_eq!(index["state"], "valid");
    assert_eq!(index["rows"], 300);
    assert!(
        index["recall"]["overall"]["recall"]
            .as_f64()
            .is_some_and(|recall| recall > 0.9),
        "{index}"
    );
    assert!(
        index["size_bytes"]
            .as_u64()
            .is_some_and(|size| size > 100_000),
        "{index}"
    );
}

#[test]
fn a_missing_and_an_invalid_index_are_findings() {
    let shop = Shop::new(&declared(""), 300);
    let run = shop.edu(&["db", "index", "status"]).expect(1);
    assert!(run.says("public.item_e: missing"), "{run:?}");
    shop.db.run(
        "CREATE INDEX item_e ON item USING hnsw (e vector_cosine_ops);
                 UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_e'::regclass",
    );
    let run = shop.edu(&["db", "index", "status"]).expect(1);
    assert!(
        run.says("✗ it is invalid: no query uses it and every write pays for it"),
        "{run:?}"
    );
}

#[test]
fn advice_comes_with_figures_measured_on_this_database() {
    let shop = Shop::new(&declared(FLOOR), 0);
    shop.isolated();
    shop.clustered(4_000);
    shop.edu(&["db", "index"]).expect(0);
    let run = shop
        .edu(&["db", "index", "advise", "--queries", "10"])
        .expect(0);
    for advice in [
        "ef_search",
        "the index",
        "halfvec keeps ",
        "expression = \"e::halfvec(32)\", opclass = \"halfvec_cosine_ops\"",
        "within tenant 1: ",
        "iterative scan for tenant 2 (5.0 % of the rows): off: recall 0.",
        "relaxed_order up to 2000 tuples: recall ",
        "tenant 1 has 40 % of the rows: a partial index",
    ] {
        assert!(run.says(advice), "{advice}: {run:?}");
    }
}

#[test]
fn advice_names_the_ef_search_that_a_wanted_recall_needs() {
    // Noise in every direction is the worst that an index can be given.
    let shop = Shop::new(&declared("ef_search = 10\nrecall_floor = 0.95"), 4_000);
    shop.edu(&["db", "index"]).expect(0);
    let advice = ["db", "index", "advise", "--queries", "40"];
    let run = shop.edu(&advice).expect(0);
    let (_, needs) = run
        .stdout
        .split_once("a recall of 0.95 needs ef_search ")
        .unwrap_or_else(|| panic!("{run:?}"));
    let needed = needs.split(';').next().unwrap();
    shop.project.write(
        "spec/vectors.toml",
        &declared(&format!("ef_search = {needed}\nrecall_floor = 0.9")),
    );
    shop.edu(&["db", "index", "status", "--recall", "40"])
        .expect(0);
}

#[test]
fn an_iterative_scan_that_the_application_does_not_start_with_is_a_finding() {
    let shop = Shop::new(
        &format!(
            "[search]\niterative_scan = \"strict_order\"\n{}",
            declared("")
        ),
        300,
    );
    shop.edu(&["db", "index"]).expect(0);
    let status = |code: i32| shop.edu(&["db", "index", "status"]).expect(code);
    let run = status(1);
    assert!(
        run.says("start with hnsw.iterative_scan = off, declared is strict_order"),
        "{run:?}"
    );
    shop.db.run(&format!(
        "LOAD 'vector'; ALTER DATABASE {0} SET hnsw.iterative_scan = strict_order",
        shop.db.name
    ));
    status(0);
    let role = format!("login_{}", shop.db.name);
    shop.project.write(
        "edu.toml",
        &format!("name = \"shop\"\n[roles]\nlogin = \"{role}\"\n"),
    );
    shop.db.run(&format!(
        "LOAD 'vector'; CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET hnsw.iterative_scan = relaxed_order"
    ));
    let run = status(1);
    assert!(
        run.says(&format!(
            "sessions of {role} start with hnsw.iterative_scan = relaxed_order"
        )),
        "what is set for the role is nearer: {run:?}"
    );
    shop.db.run(&format!("DROP ROLE {role}"));
}
