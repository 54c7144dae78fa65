//! Every way in which a build can break off, and the next run that mends it.

use rustix::process::Signal;

use super::shop::{Shop, declared, until};

/// A shop whose build has come to its last wait, and who keeps it there.
fn almost_done(shop: &Shop) -> (super::shop::Running, crate::support::Session) {
    let snapshot = shop.old_snapshot();
    let edu = shop.start(&["db", "index"]);
    shop.await_phase("waiting for old snapshots");
    (edu, snapshot)
}

#[test]
fn a_client_that_is_killed_ends_on_the_server_and_is_mended() {
    let shop = Shop::new(&declared(""), 300);
    let (edu, snapshot) = almost_done(&shop);
    edu.signal(Signal::KILL);
    edu.end();
    shop.await_no_build();
    assert_eq!(shop.indexes(), ["item_e invalid"]);
    drop(snapshot);
    shop.mended();
}

#[test]
fn a_terminated_build_is_mended() {
    let shop = Shop::new(&declared(""), 300);
    let (edu, snapshot) = almost_done(&shop);
    let pid = shop.await_phase("waiting for old snapshots");
    shop.db.run(&format!("SELECT pg_terminate_backend({pid})"));
    let (code, said) = edu.end();
    assert_eq!(code, 7, "{said}");
    assert_eq!(shop.indexes(), ["item_e invalid"]);
    drop(snapshot);
    shop.mended();
}

#[test]
fn a_cancelled_build_removes_its_own_rest() {
    let shop = Shop::new(&declared(""), 300);
    let (edu, snapshot) = almost_done(&shop);
    let pid = shop.await_phase("waiting for old snapshots");
    shop.db.run(&format!("SELECT pg_cancel_backend({pid})"));
    let (code, said) = edu.end();
    assert_eq!(code, 5, "{said}");
    assert!(shop.indexes().is_empty());
    drop(snapshot);
    shop.mended();
}

/// Runs a build, beside a transaction that it has to wait for, and cancels it there: what a statement_timeout does,
/// at a moment that is known.
fn broken_off(shop: &Shop, sql: &str) {
    let mut session = shop.db.session("postgres");
    // By its own number: of one that was broken off before, the progress may still be there for a moment.
    let pid = session.one("SELECT pg_backend_pid()");
    let waits = format!(
        "SELECT count(*) FROM pg_stat_progress_create_index
         WHERE pid = {pid} AND phase = 'waiting for old snapshots'"
    );
    std::thread::scope(|scope| {
        let build = scope.spawn(move || session.attempt(sql));
        until("the last wait of the build", || {
            (shop.db.one(&waits) == "1").then_some(())
        });
        shop.db.run(&format!("SELECT pg_cancel_backend({pid})"));
        let error = build.join().unwrap().unwrap_err();
        assert!(error.starts_with("57014"), "{error}");
    });
}

#[test]
fn what_a_timeout_left_is_not_taken_for_an_index() {
    let shop = Shop::new(&declared(""), 300);
    let snapshot = shop.old_snapshot();
    let create =
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS item_e ON item USING hnsw (e vector_cosine_ops)";
    broken_off(&shop, create);
    // The server takes the leftover for the index; edu does not.
    shop.db.run(create);
    assert_eq!(shop.indexes(), ["item_e invalid"]);
    drop(snapshot);
    shop.mended();
}

#[test]
fn what_a_cancelled_reindex_left_is_removed_and_the_index_kept() {
    let shop = Shop::new(&declared(""), 300);
    shop.mended();
    let oid = shop.db.one("SELECT 'item_e'::regclass::oid");
    let snapshot = shop.old_snapshot();
    for _ in 0..2 {
        broken_off(&shop, "REINDEX INDEX CONCURRENTLY item_e");
    }
    assert_eq!(shop.indexes().len(), 3, "{:?}", shop.indexes());
    drop(snapshot);
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(
        run.says("removing public.item_e_ccnew, which an earlier run left"),
        "{run:?}"
    );
    assert_eq!(shop.indexes(), ["item_e"]);
    assert_eq!(shop.db.one("SELECT 'item_e'::regclass::oid"), oid);
}

#[test]
fn a_strangers_invalid_index_is_told_and_left_as_it_is() {
    let shop = Shop::new(&declared(""), 300);
    shop.mended();
    shop.db.run(
        "CREATE INDEX theirs ON item USING hnsw (e vector_l2_ops);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'theirs'::regclass",
    );
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(
        run.says("index public.theirs is invalid and not declared; every write pays"),
        "{run:?}"
    );
    assert_eq!(shop.indexes(), ["item_e", "theirs invalid"]);
}

#[test]
fn a_strangers_invalid_index_under_our_name_is_replaced() {
    let shop = Shop::new(&declared(""), 300);
    shop.db.run(
        "CREATE INDEX item_e ON item USING hnsw (e vector_l2_ops) WITH (m = 4);
         UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'item_e'::regclass",
    );
    shop.mended();
}

#[test]
fn our_name_on_another_table_is_refused_and_left_as_it_is() {
    let shop = Shop::new(&declared(""), 300);
    shop.db.run(
        "CREATE TABLE other (a int); CREATE INDEX item_e ON other (a);
                 UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_e'::regclass",
    );
    let run = shop.edu(&["db", "index"]).expect(8);
    assert!(
        run.says("index public.item_e is on table public.other, declared is public.item"),
        "{run:?}"
    );
    assert_eq!(
        shop.db
            .one("SELECT count(*) FROM pg_class WHERE relname = 'item_e'"),
        "1"
    );
}

#[test]
fn two_runs_at_once_build_one_index() {
    let shop = Shop::new(&declared(""), 300);
    let (first, snapshot) = almost_done(&shop);
    let second = shop.start(&["db", "index"]);
    until("the second run at the lock", || {
        let waiting = shop.db.one(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'edu lock'
             AND datname = current_database()",
        );
        (waiting == "2").then_some(())
    });
    drop(snapshot);
    let (ends, second) = (first.end(), second.end());
    assert_eq!((ends.0, second.0), (0, 0), "{}\n{}", ends.1, second.1);
    assert_eq!(shop.indexes(), ["item_e"]);
}

#[test]
fn runs_on_different_tables_build_at_once_and_a_migration_waits_for_both() {
    let shop = Shop::new(&declared(""), 300);
    let other = declared("")
        .replace("item_e", "twin_e")
        .replace("public.item", "public.twin");
    shop.project
        .write("spec/vectors.toml", &format!("{}{other}", declared("")));
    shop.db
        .run("CREATE TABLE twin (LIKE item INCLUDING ALL); INSERT INTO twin SELECT * FROM item");
    let snapshot = shop.old_snapshot();
    let one = shop.start(&["db", "index", "--only", "item_e"]);
    let two = shop.start(&["db", "index", "--only", "twin_e"]);
    until("both builds in their last wait", || {
        let waiting = shop.db.one(
            "SELECT count(*) FROM pg_stat_progress_create_index
             WHERE phase = 'waiting for old snapshots' AND datname = current_database()",
        );
        (waiting == "2").then_some(())
    });
    shop.project
        .write("migrations/V1__more.sql", "CREATE TABLE more (a int);\n");
    let migrate = ["db", "migrate", "--lock-timeout", "100ms"];
    let run = shop.edu(&migrate).expect(6);
    assert!(run.says("could not get the lock"), "{run:?}");
    drop(snapshot);
    assert_eq!((one.end().0, two.end().0), (0, 0));
    shop.edu(&migrate).expect(0);
    // And the other way round: what changes the database keeps builds off.
    let mut migration = shop.db.session("postgres");
    migration.run("SELECT pg_advisory_lock(1701082368, 1)");
    let run = shop
        .edu(&["db", "index", "--lock-timeout", "100ms"])
        .expect(6);
    assert!(run.says("could not get the lock"), "{run:?}");
    drop(migration);
    shop.edu(&["db", "index"]).expect(0);
}

#[test]
fn a_dry_run_names_what_earlier_runs_left_and_touches_nothing() {
    let shop = Shop::new(&declared(""), 300);
    shop.edu(&["db", "index"]).expect(0);
    shop.db.run(
        "CREATE INDEX item_e_edu_old ON item USING hnsw (e vector_cosine_ops);
         CREATE INDEX item_e_ccnew ON item USING hnsw (e vector_cosine_ops);
         CREATE INDEX theirs ON item USING hnsw (e vector_l2_ops);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('item_e_ccnew'::regclass, 'theirs'::regclass)",
    );
    let before = shop.indexes();
    let run = shop.edu(&["db", "index", "--dry-run"]).expect(0);
    for said in [
        "item_e_edu_old was left by an earlier run: it would be removed",
        "item_e_ccnew was left by an earlier run: it would be removed",
        "theirs is invalid and not declared",
    ] {
        assert!(run.says(said), "{said}: {run:?}");
    }
    assert_eq!(shop.indexes(), before);
    shop.edu(&["db", "index"]).expect(0);
    assert_eq!(shop.indexes(), ["item_e", "theirs invalid"]);
    let again = shop.edu(&["db", "index", "--dry-run"]).expect(0);
    assert!(!again.says("earlier run"), "{again:?}");
}

#[test]
fn a_build_by_somebody_else_on_the_table_is_waited_for() {
    let shop = Shop::new(&declared(""), 300);
    let mut snapshot = shop.old_snapshot();
    let mut psql = shop.db.session("postgres");
    let theirs = std::thread::spawn(move || {
        psql.run("CREATE INDEX CONCURRENTLY theirs ON item USING hnsw (e vector_l2_ops)");
    });
    shop.await_phase("waiting for old snapshots");
    let mut edu = shop.start(&["db", "index"]);
    edu.hear("waiting for table public.item: session");
    snapshot.run("COMMIT");
    theirs.join().expect("their build");
    let (code, said) = edu.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(shop.indexes(), ["item_e", "theirs"]);
}

#[test]
fn a_rebuild_that_was_killed_before_the_swap_is_finished_by_the_next_run() {
    let shop = Shop::new(&declared("m = 8"), 300);
    shop.db.run(
        "CREATE INDEX item_e ON item USING hnsw (e vector_cosine_ops) WITH (m = 16);
                 CREATE INDEX item_e_edu_new ON item USING hnsw (e vector_cosine_ops) WITH (m = 8)",
    );
    shop.mended();
    shop.db.run("CREATE INDEX item_e_edu_old ON item USING hnsw (e vector_cosine_ops) WITH (m = 16);
                 CREATE INDEX item_e_edu_new ON item USING hnsw (e vector_cosine_ops) WITH (m = 4);
                 UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_e_edu_new'::regclass");
    shop.mended();
}

#[test]
fn an_index_that_differs_is_told_and_rebuilt_in_place() {
    for (statement, word) in [
        (
            "CREATE INDEX item_e ON item USING hnsw (e vector_l2_ops)",
            "operator class is vector_l2_ops",
        ),
        (
            "CREATE INDEX item_e ON item USING ivfflat (e vector_cosine_ops)",
            "method is ivfflat",
        ),
        (
            "CREATE INDEX item_e ON item USING hnsw (e vector_cosine_ops) WITH (m = 8)",
            "m is 8, declared is 16",
        ),
        (
            "CREATE INDEX item_e ON item USING hnsw (e vector_cosine_ops) WHERE tenant > 1",
            "predicate is tenant > 1, declared is absent",
        ),
        (
            "CREATE INDEX item_e ON item USING hnsw ((e::halfvec(32)) halfvec_cosine_ops)",
            "key is",
        ),
        (
            "CREATE INDEX item_e ON item USING hnsw (e vector_cosine_ops) WITH (m = 8); CHECKPOINT;
             ALTER INDEX item_e SET (m = 16)",
            "it was built with m 8",
        ),
    ] {
        let shop = Shop::new(&declared(""), 300);
        for statement in statement.split(';') {
            shop.db.run(statement);
        }
        let run = shop.edu(&["db", "index"]).expect(1);
        assert!(run.says(word), "{word}: {run:?}");
        shop.edu(&["db", "index", "rebuild"]).expect(0);
        shop.mended();
    }
}

#[test]
fn an_index_of_other_dimensions_than_the_projects_is_told() {
    let shop = Shop::new(&declared(""), 300);
    shop.project
        .write("edu.toml", "name = \"shop\"\n[vectors]\ndimensions = 64\n");
    let run = shop.edu(&["db", "index"]).expect(0);
    assert!(run.says("built in"), "{run:?}");
    let run = shop.edu(&["db", "index"]).expect(1);
    assert!(run.says("dimensions is 32, declared is 64"), "{run:?}");
}
