//! Partitioned tables.

use super::shop::{Shop, declared};

fn partitioned() -> Shop {
    let shop = Shop::new(&declared(""), 0);
    shop.db.run(
        "DROP TABLE item;
         CREATE TABLE item (id int, tenant int NOT NULL, e vector(32)) PARTITION BY RANGE (id);
         CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (0) TO (1000);
         CREATE TABLE item_high PARTITION OF item FOR VALUES FROM (1000) TO (9000) PARTITION BY LIST (tenant);
         CREATE TABLE item_high_1 PARTITION OF item_high FOR VALUES IN (1);
         CREATE TABLE item_high_rest PARTITION OF item_high DEFAULT",
    );
    shop.clustered(2_000);
    shop
}

/// Indexes on vectors that are not valid, on any table.
fn invalid(shop: &Shop) -> String {
    shop.db
        .one("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
}

#[test]
fn every_partition_gets_its_index_beside_its_writers() {
    let shop = partitioned();
    let mut writer = shop.db.session("postgres");
    writer.run("BEGIN; LOCK TABLE item IN ROW EXCLUSIVE MODE");
    let mut edu = shop.start(&["db", "index"]);
    edu.hear("waiting for a moment to create index public.item_e");
    // Writers that come meanwhile are not kept waiting: the first one ends after them.
    shop.db
        .run("SET lock_timeout = '60s'; INSERT INTO item SELECT 8000, 5, e FROM item LIMIT 1");
    writer.run("COMMIT");
    let (code, said) = edu.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(invalid(&shop), "0");
    let attached = "SELECT count(*) FROM pg_partition_tree('item_e')";
    assert_eq!(shop.db.one(attached), "5");
    let again = shop.edu(&["db", "index"]).expect(0);
    assert!(again.says("item_e: valid, as declared"), "{again:?}");
    let status = shop.edu(&["db", "index", "status"]).expect(0);
    assert!(!status.says("; 0 KB, "), "the parts count: {status:?}");
}

#[test]
fn a_half_built_partitioned_index_is_finished() {
    let shop = partitioned();
    shop.db
        .run("CREATE INDEX item_e ON ONLY item USING hnsw (e vector_cosine_ops)");
    shop.edu(&["db", "index"]).expect(0);
    assert_eq!(invalid(&shop), "0");
}

#[test]
fn a_partitioned_index_that_differs_is_rebuilt_whole_twice() {
    let shop = partitioned();
    shop.edu(&["db", "index"]).expect(0);
    for m in ["8", "12"] {
        shop.project
            .write("spec/vectors.toml", &declared(&format!("m = {m}")));
        let run = shop.edu(&["db", "index"]).expect(1);
        assert!(run.says(&format!("declared is {m}")), "{run:?}");
        shop.edu(&["db", "index", "rebuild"]).expect(0);
        let run = shop.edu(&["db", "index"]).expect(0);
        assert!(run.says("valid, as declared"), "{run:?}");
        assert_eq!(invalid(&shop), "0");
        assert_eq!(
            shop.db
                .one("SELECT count(*) FROM pg_class WHERE relname LIKE 'item_e%'"),
            "5"
        );
    }
}
