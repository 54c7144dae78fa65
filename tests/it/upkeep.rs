//! `edu db maintain` and `edu db top`: upkeep that stops nobody, and one look at what goes on.

use serde_json::Value;

use crate::support::{Database, Session, Template, database, until};

fn json(db: &Database, args: &[&str]) -> Value {
    let run = db.edu(&[args, &["--output", "json"]].concat()).expect(0);
    serde_json::from_str(&run.stdout).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

#[test]
fn maintenance_vacuums_every_table_and_rebuilds_an_index_that_is_mostly_air() {
    let db = database(Template::Empty);
    db.run(
        "CREATE TABLE airy (id int PRIMARY KEY, filler text);
         ALTER TABLE airy SET (autovacuum_enabled = off);
         INSERT INTO airy SELECT i, 'x' FROM generate_series(1, 500000) i;
         DELETE FROM airy WHERE id % 20 <> 0",
    );
    let size = || {
        db.one("SELECT pg_relation_size('airy_pkey')")
            .parse::<u64>()
            .unwrap()
    };
    let before = size();
    let dry = db.edu(&["db", "maintain", "--dry-run"]).expect(0);
    assert!(
        dry.stdout.contains("VACUUM (ANALYZE) public.airy;"),
        "{}",
        dry.stdout
    );
    assert_eq!(
        db.one("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'airy'"),
        "0"
    );
    db.edu(&["db", "maintain"]).expect(0);
    // The statistics are new now, and tell how much of the index is air.
    let answer = json(&db, &["db", "maintain"]);
    assert_eq!(answer["undone"], serde_json::json!([]));
    assert!(size() < before / 5, "{} of {before}", size());
    assert_eq!(
        db.one("SELECT count(*) FROM pg_index WHERE NOT indisvalid"),
        "0"
    );
}

#[test]
fn the_rebuild_of_another_session_is_left_alone() {
    let db = database(Template::Empty);
    db.run(
        "CREATE TABLE t (i int PRIMARY KEY, j int UNIQUE); CREATE TABLE other (i int PRIMARY KEY)",
    );
    let mut holder = db.session("postgres");
    holder.run("BEGIN; INSERT INTO t VALUES (1)");
    std::thread::scope(|scope| {
        let rebuild = scope.spawn(|| {
            db.session("postgres")
                .attempt("REINDEX TABLE CONCURRENTLY t")
        });
        until("both new indexes are there", || {
            db.one("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "2"
        });
        let run = db.edu(&["db", "maintain", "--table", "public.other"]);
        holder.run("COMMIT");
        rebuild.join().unwrap().unwrap();
        run.expect(0);
    });
}

#[test]
fn the_rest_of_a_broken_off_rebuild_is_dropped() {
    let db = database(Template::Empty);
    db.run("CREATE TABLE t (i int PRIMARY KEY)");
    let mut holder = db.session("postgres");
    holder.run("BEGIN; INSERT INTO t VALUES (1)");
    let mut rebuild = db.session("postgres");
    rebuild
        .attempt("SET lock_timeout = '1ms'")
        .and_then(|_| rebuild.attempt("REINDEX INDEX CONCURRENTLY t_pkey"))
        .unwrap_err();
    holder.run("COMMIT");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(db.one(invalid), "1");
    db.edu(&["db", "maintain", "--reindex", "all"]).expect(0);
    assert_eq!(db.one(invalid), "0");
}

#[test]
fn a_graphs_labels_are_never_rebuilt_concurrently_and_still_answer() {
    let db = database(Template::Seeded);
    let plan = db
        .edu(&["db", "maintain", "--reindex", "all", "--dry-run"])
        .expect(0);
    let graph = db.one("SELECT name FROM ag_catalog.ag_graph");
    let label = |line: &&str| line.contains(&format!("{graph}."));
    let labels: Vec<&str> = plan.stdout.lines().filter(label).collect();
    assert!(
        labels.iter().any(|line| line.starts_with("REINDEX INDEX ")),
        "{labels:?}"
    );
    assert!(
        labels.iter().all(|line| !line.contains("CONCURRENTLY")),
        "{labels:?}"
    );
    db.edu(&["db", "maintain", "--reindex", "all"]).expect(0);
    db.edu(&["db", "graph", "verify"]).expect(0);
}

#[test]
fn a_table_that_is_not_there_is_told() {
    let db = database(Template::Empty);
    let run = db
        .edu(&["db", "maintain", "--table", "public.nowhere"])
        .expect(2);
    assert!(
        run.says("there is no table \"public.nowhere\""),
        "{}",
        run.stderr
    );
}

#[test]
fn a_look_names_who_is_blocked_and_by_whom_and_hides_passwords() {
    let db = database(Template::Seeded);
    let (mut holder, url) = (db.session("postgres"), db.url());
    holder.run("BEGIN; LOCK TABLE public.tenants");
    let pid = holder.one("SELECT pg_backend_pid()");
    let waiter = std::thread::spawn(move || {
        Session::at(&url).attempt("SELECT 1 FROM public.tenants -- PASSWORD 'hidden-word'")
    });
    until("somebody waits", || {
        db.one("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.tenants'::regclass") == "1"
    });
    let look = &json(&db, &["db", "top"])["look"];
    let blocked = &look["blocked"][0];
    assert_eq!(blocked["blocked_by"][0].to_string(), pid);
    let text = db.edu(&["db", "top"]).expect(0).stdout;
    assert!(text.contains(&format!("for {pid}")), "{text}");
    assert!(
        !text.contains("hidden-word") && !look.to_string().contains("hidden-word"),
        "{text}"
    );
    holder.run("COMMIT");
    waiter.join().unwrap().unwrap();
}

#[test]
fn a_look_shows_connections_vector_indexes_and_the_largest_tables() {
    let db = database(Template::Seeded);
    let look = &json(&db, &["db", "top", "--rows", "100"])["look"];
    assert_eq!(names(&look["vectors"]).len(), 3);
    assert!(names(&look["tables"]).contains(&"users"));
    let connections = &look["connections"];
    assert!(connections["used"].as_i64() <= connections["limit"].as_i64());
    let why = look["slow"]["absent"].as_str().unwrap();
    assert!(why.contains("pg_stat_statements"), "{why}");
}

#[test]
fn slow_statements_are_shown_where_the_extension_is() {
    let db = database(Template::Empty);
    if db
        .one("SHOW shared_preload_libraries")
        .contains("pg_stat_statements")
    {
        db.run("CREATE EXTENSION pg_stat_statements");
        // The server keeps the statements of all databases, and forgets the rarest when there are many.
        until("the slow statement is shown", || {
            db.run("SELECT pg_sleep(0.02), 'a slow one'");
            db.run("DO $$ BEGIN NULL; END $$ -- password 'hidden-word'");
            let look = &json(&db, &["db", "top"])["look"];
            let slow = look["slow"]["statements"].to_string();
            assert!(!slow.contains("hidden-word"), "{slow}");
            slow.contains("pg_sleep")
        });
    }
}
