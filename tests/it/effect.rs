//! What the plan says of a statement, against what the server does: the lock in `pg_locks`, the file that a
//! rewrite replaces, the scans that the server counts.

use edu::plan::facts::stored_alike;
use edu::sql::Source;
use edu::sql::effect::{Effect, Target, Work, effects};
use edu::sql::split::split;

use crate::support::{Session, Template, database, major};

const BUILT: &str = "
    CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(10), c text, d numeric(10,2), e timestamp, p int NOT NULL DEFAULT 1,
        CONSTRAINT a_there CHECK (a IS NOT NULL));
    CREATE TABLE u (id int PRIMARY KEY);
    CREATE INDEX t_a ON t (a);
    CREATE UNIQUE INDEX t_c ON t (c);
    CREATE TABLE parts (id int) PARTITION BY RANGE (id);
    CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE part2 (id int);
    CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
    CREATE SEQUENCE s;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
    ALTER TABLE t ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
    INSERT INTO u SELECT generate_series(1, 100);
    INSERT INTO t SELECT i, i, 'b', 'c' || i, 1, now() FROM generate_series(1, 100) i;
    INSERT INTO part1 VALUES (1); INSERT INTO part2 VALUES (11)";

const STATEMENTS: &[&str] = &[
    "ALTER TABLE t ADD COLUMN x text",
    "ALTER TABLE t ADD COLUMN x int NOT NULL DEFAULT 7",
    "ALTER TABLE t ADD COLUMN x timestamptz DEFAULT now()",
    "ALTER TABLE t ADD COLUMN x uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD COLUMN x bigserial",
    "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED",
    "ALTER TABLE t ADD COLUMN x int CHECK (x > 0)",
    "ALTER TABLE t ADD COLUMN x int REFERENCES u",
    "ALTER TABLE t DROP COLUMN a",
    "ALTER TABLE t ALTER COLUMN c SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 4",
    "ALTER TABLE t ALTER COLUMN a SET STATISTICS 100",
    "ALTER TABLE t ALTER COLUMN p TYPE bigint",
    "ALTER TABLE t ALTER COLUMN b TYPE varchar(20)",
    "ALTER TABLE t ALTER COLUMN b TYPE varchar(5)",
    "ALTER TABLE t ALTER COLUMN b TYPE text",
    "ALTER TABLE t ALTER COLUMN c TYPE varchar",
    "ALTER TABLE t ALTER COLUMN d TYPE numeric(12,2)",
    "ALTER TABLE t ALTER COLUMN d TYPE numeric(12,3)",
    "ALTER TABLE t ALTER COLUMN e TYPE timestamp(3)",
    "ALTER TABLE t ADD CHECK (p > 0)",
    "ALTER TABLE t ADD CHECK (p > 0) NOT VALID",
    "ALTER TABLE t VALIDATE CONSTRAINT later",
    "ALTER TABLE t DROP CONSTRAINT later",
    "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id)",
    "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id) NOT VALID",
    "ALTER TABLE t ADD UNIQUE (a)",
    "ALTER TABLE t ADD CONSTRAINT q UNIQUE USING INDEX t_c",
    "ALTER TABLE t RENAME COLUMN a TO z",
    "ALTER TABLE t RENAME TO z",
    "ALTER TABLE t SET UNLOGGED",
    "ALTER TABLE t SET (fillfactor = 70)",
    "ALTER TABLE t CLUSTER ON t_a",
    "ALTER TABLE t DISABLE TRIGGER r",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t FORCE ROW LEVEL SECURITY",
    "ALTER TABLE t OWNER TO postgres",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "ALTER TABLE parts ATTACH PARTITION part2 FOR VALUES FROM (10) TO (20)",
    "ALTER TABLE parts DETACH PARTITION part1",
    "CREATE INDEX x ON t (b)",
    "CREATE TABLE x (id int REFERENCES u)",
    "CREATE TABLE x PARTITION OF parts FOR VALUES FROM (30) TO (40)",
    "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()",
    "DROP TRIGGER r ON t",
    "ALTER TRIGGER r ON t RENAME TO x",
    "CREATE POLICY x ON t USING (true)",
    "CREATE RULE x AS ON DELETE TO t DO INSTEAD NOTHING",
    "REINDEX TABLE t",
    "CLUSTER t USING t_a",
    "CLUSTER t_a ON t",
    "REFRESH MATERIALIZED VIEW m",
    "ALTER SEQUENCE s INCREMENT 2",
    "LOCK TABLE t IN EXCLUSIVE MODE",
    "TRUNCATE t",
    "DELETE FROM t",
    "UPDATE t SET b = 'x' WHERE id = 1",
    "INSERT INTO t (id, a) VALUES (1000, 1)",
    "INSERT INTO t (id, a) SELECT id + 1000, 1 FROM u",
];

/// What the server did to one relation in the open transaction: its strongest lock, the scans it began, and
/// whether it has another file than before.
struct Seen {
    lock: String,
    scans: bool,
    rewritten: bool,
}

fn seen(session: &mut Session, oid: &str, file: &str, scans: &str) -> Seen {
    let counted = scans_of(oid);
    let row = session.rows(&format!(
        "SELECT coalesce((SELECT replace(mode, 'Lock', '') FROM pg_locks WHERE relation = {oid} AND pid = pg_backend_pid()
                 ORDER BY array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
                     'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'], mode) LIMIT 1), ''),
                {counted},
                pg_relation_filenode({oid}) IS DISTINCT FROM {file}::oid"
    ));
    Seen {
        lock: row[0][0].clone(),
        scans: row[0][1] != scans,
        rewritten: row[0][2] == "t",
    }
}

fn scans_of(oid: &str) -> String {
    format!("coalesce((SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = {oid}), 0)")
}

/// Runs `text` in a transaction that is rolled back, and says where plan and server differ.
fn compare(session: &mut Session, text: &str) -> Vec<String> {
    let script = split(Source {
        path: "x.sql",
        text,
    })
    .unwrap();
    let mut wrong = Vec::new();
    let all: Vec<(Effect, String, String, String)> = effects(&script.statements[0])
        .into_iter()
        .filter(|effect| effect.lock.is_some())
        .map(|effect| {
            let Target::Relation(relation) = &effect.on else { panic!("{text}: {effect:?}") };
            let name = &relation.name;
            let oid = session.one(&format!("SELECT '{name}'::regclass::oid"));
            let file = session.one(&format!("SELECT coalesce(pg_relation_filenode({oid})::text, 'NULL')"));
            let ty = match &effect.work {
                Work::RewriteUnlessSame { column, .. } => session.one(&format!(
                    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = {oid} AND attname = '{column}'"
                )),
                _ => String::new(),
            };
            (effect, oid, file, ty)
        })
        .collect();
    session.run("BEGIN");
    let scans: Vec<String> = all
        .iter()
        .map(|(_, oid, _, _)| session.one(&format!("SELECT {}", scans_of(oid))))
        .collect();
    session.run(text);
    for ((effect, oid, file, ty), scans) in all.into_iter().zip(scans) {
        let seen = seen(session, &oid, &file, &scans);
        let lock = effect.lock.unwrap().name();
        if lock != seen.lock {
            wrong.push(format!(
                "{text}: {} says {lock}, the server took {}",
                effect.action, seen.lock
            ));
        }
        let (rewrites, scans) = match &effect.work {
            Work::Rewrite => (true, true),
            Work::Scan | Work::Build | Work::ScanUnlessNotNull(_) => (false, true),
            Work::RewriteUnlessSame { to, using, .. } => {
                let rewrites = *using || !stored_alike(&ty, to);
                (rewrites, rewrites)
            }
            Work::Brief => (false, false),
            Work::Rows => (false, seen.scans),
        };

        // Both replace a file of next to nothing.
        let replaced = ["TRUNCATE", "ALTER SEQUENCE"].contains(&effect.action);
        if rewrites != seen.rewritten && !replaced {
            wrong.push(format!(
                "{text}: {} says rewrite {rewrites}, the server {}",
                effect.action, seen.rewritten
            ));
        }
        if scans != seen.scans && !rewrites && !replaced {
            wrong.push(format!(
                "{text}: {} says scan {scans}, the server {}",
                effect.action, seen.scans
            ));
        }
    }
    session.run("ROLLBACK");
    wrong
}

#[test]
fn every_statement_takes_the_lock_and_does_the_work_that_the_plan_says() {
    let db = database(Template::Empty);
    db.run(BUILT);
    let mut session = db.session("postgres");
    let mut wrong = Vec::new();
    let newer: &[&str] = match major() {
        18.. => &["ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a + 1) VIRTUAL"],
        _ => &[],
    };
    for text in STATEMENTS.iter().chain(newer) {
        wrong.extend(compare(&mut session, text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
