//! What a system is made of: the numbers its document wants, beside those a database has.
//!
//! Wanted numbers stand in `tests/it/systems/<system>.toml`; the database is asked in SQL of its own, not
//! through edu's catalog. The table in `docs/systems.md` is checked, and written with `EDU_BLESS=1`. What
//! took how long stands beside it: written by the same switch, and compared with nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};

use super::System;
use crate::support::{Database, Project, major};

/// The project's relations: not edu's history, nothing of an extension.
const OURS: &str =
    "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'ag_catalog', 'edu')
    AND c.relname <> 'refinery_schema_history'
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = c.oid AND x.deptype = 'e')";

/// What is counted, and how. `{tables}` gives the project's tables (graph labels apart) as c and n.
const KINDS: &[(&str, &str)] = &[
    ("tables", "SELECT count(*) FROM {tables}"),
    ("columns", "SELECT count(*) FROM {tables} JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE a.attnum > 0 AND NOT a.attisdropped"),
    ("foreign keys", "SELECT count(*) FROM {tables} JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype = 'f'"),
    ("unique constraints", "SELECT count(*) FROM {tables} JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype = 'u'"),
    ("check constraints", "SELECT count(*) FROM {tables} JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype = 'c'"),
    // Those that were made as indexes, not by a constraint.
    ("indexes", "SELECT count(*) FROM {tables} JOIN pg_index i ON i.indrelid = c.oid
                 WHERE i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"),
    ("vector indexes", "SELECT count(*) FROM {tables} JOIN pg_index i ON i.indrelid = c.oid
                        JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
                        WHERE i.indisvalid AND am.amname IN ('hnsw', 'ivfflat')"),
    ("enums", "SELECT count(*) FROM pg_type t WHERE t.typtype = 'e' AND t.typnamespace = 'public'::regnamespace"),
    ("enum values", "SELECT count(*) FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace"),
    ("tables with row-level security", "SELECT count(*) FROM {tables} WHERE c.relrowsecurity"),
    ("tables that force it", "SELECT count(*) FROM {tables} WHERE c.relforcerowsecurity"),
    ("policies", "SELECT count(*) FROM {tables} JOIN pg_policy p ON p.polrelid = c.oid"),
    ("functions", "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'e')"),
    ("triggers", "SELECT count(*) FROM {tables} JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal"),
];

/// The system has what its document wants, and `docs/systems.md` says so.
pub fn counted(system: System) {
    let db = system.database();
    // This server loads AGE for every database, also for those that have no use for it.
    system.edu(&db, &["db", "verify"]).expect(0);
    let mut wanted = wanted(system);
    let mut found = found(&db);
    let isolation = isolation(system, &db);
    wanted.extend(isolation.0);
    found.extend(isolation.1);
    found.extend(migrated(system, &db));
    let mut table = "| | wanted | found |\n|---|---|---|\n".to_owned();
    for (kind, number) in &found {
        let want = wanted.get(kind.as_str()).copied().unwrap_or(0);
        if want > 0 || *number > 0 {
            table.push_str(&format!("| {kind} | {want} | {number} |\n"));
        }
    }
    for kind in wanted.keys() {
        assert!(
            found.iter().any(|(known, _)| known == kind),
            "nothing is called \"{kind}\""
        );
    }
    let differ: Vec<String> = found
        .iter()
        .map(|(kind, number)| {
            (
                kind,
                wanted.get(kind.as_str()).copied().unwrap_or(0),
                number,
            )
        })
        .filter(|(_, want, number)| want != *number)
        .map(|(kind, want, number)| format!("{kind}: wanted {want}, found {number}"))
        .collect();
    assert!(differ.is_empty(), "{}: {}", system.0, differ.join("; "));
    documented(&format!("system {}", system.0), &table, Compared::Yes);
}

/// Numbers by what they count.
type Numbers = Vec<(String, u64)>;

/// The attempts on isolation that the committed catalog was proved with; those made now, and how many of
/// them ended as the project promises.
fn isolation(system: System, db: &Database) -> (Numbers, Numbers) {
    let committed = fs::read_to_string(system.folder().join("spec/catalog.json")).unwrap();
    let committed: serde_json::Value = serde_json::from_str(&committed).unwrap();
    let same_major = committed["major"] == major();
    let committed = committed["isolation"]["attempts"].as_u64().unwrap();
    let run = system.edu(db, &["db", "rls", "--output", "json"]).expect(0);
    let run: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let engine = |run: &serde_json::Value| {
        let engines = run["engines"].as_array().unwrap().clone();
        let probe = engines.iter().find(|ran| ran["engine"] == "probe");
        probe.unwrap()["cases"].as_u64().unwrap()
    };
    let of_probe = |finding: &&serde_json::Value| finding["engine"] == "probe";
    let failed = run["findings"].as_array().unwrap().iter().filter(of_probe);
    let (mut made, failed) = (engine(&run), failed.count() as u64);
    // Another major's extensions have more functions to try: at least as many attempts are wanted there.
    if !same_major && made > committed {
        made = committed;
    }
    let names = ["attempts on isolation", "attempts that ended as promised"];
    let numbers = |of: [u64; 2]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(of)
            .collect()
    };
    (
        numbers([committed, committed]),
        numbers([made, made - failed]),
    )
}

/// The migrations in the database's history, and those that going down takes back. The database is spent.
fn migrated(system: System, db: &Database) -> Numbers {
    let history = || -> u64 {
        let count = db.one("SELECT count(*) FROM public.refinery_schema_history");
        count.parse().unwrap()
    };
    let up = history();
    system
        .edu(db, &["db", "rollback", "--to", "0", "--yes"])
        .expect(0);
    vec![
        ("migrations up".to_owned(), up),
        ("migrations down".to_owned(), up - history()),
    ]
}

fn wanted(system: System) -> BTreeMap<String, u64> {
    let path = Project::root().join(format!("tests/it/systems/{}.toml", system.0));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap()
}

fn found(db: &Database) -> Vec<(String, u64)> {
    let labels = db.one("SELECT to_regclass('ag_catalog.ag_label') IS NOT NULL") == "t";
    let label = "EXISTS (SELECT FROM ag_catalog.ag_label l WHERE l.relation::oid = c.oid)";
    let tables = format!(
        "(SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND {OURS}{}) c",
        if labels {
            format!(" AND NOT {label}")
        } else {
            String::new()
        }
    );
    let number = |sql: &str| db.one(&sql.replace("{tables}", &tables)).parse().unwrap();
    let mut all: Vec<(String, u64)> = KINDS
        .iter()
        .map(|(kind, sql)| ((*kind).to_owned(), number(sql)))
        .collect();
    let graph = "SELECT count(*) FROM ag_catalog.ag_label WHERE name NOT IN ('_ag_label_vertex', '_ag_label_edge')";
    all.push((
        "graph labels".to_owned(),
        if labels { number(graph) } else { 0 },
    ));
    let rows = db.rows(&format!("SELECT c.oid::regclass::text FROM {tables}"));
    all.push((
        "seed rows".to_owned(),
        rows.iter()
            .map(|row| number(&format!("SELECT count(*) FROM {}", row[0])))
            .sum(),
    ));
    for (kind, parent) in [
        ("seed vertices", "_ag_label_vertex"),
        ("seed edges", "_ag_label_edge"),
    ] {
        let graphs = match labels {
            true => db.rows("SELECT format('%I', name) FROM ag_catalog.ag_graph"),
            false => Vec::new(),
        };
        let rows = graphs
            .iter()
            .map(|graph| number(&format!("SELECT count(*) FROM {}.{parent}", graph[0])));
        all.push((kind.to_owned(), rows.sum()));
    }
    all
}

/// Whether what stands in a document has to be what is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    Yes,
    /// It is another one every time; it only has to be there.
    No,
}

/// The part of `docs/systems.md` between two marks is this table.
pub fn documented(part: &str, table: &str, compared: Compared) {
    let path = Project::root().join("docs/systems.md");
    let lock = File::create(Project::root().join("target/tmp/systems.lock")).unwrap();
    lock.lock().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end {part} -->"));
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/systems.md has no mark {begin}"));
    let (old, after) = rest.split_once(&end).unwrap();
    let new = format!("\n{table}\n");
    if std::env::var_os("EDU_BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{new}{end}{after}")).unwrap();
        return;
    }
    if compared == Compared::Yes {
        assert_eq!(
            old, new,
            "docs/systems.md is not true any more: EDU_BLESS=1 writes it anew"
        );
    }
}
