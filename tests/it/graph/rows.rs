//! `edu db graph check`, `query`, `load` and `dump`: what is stored, asked, brought in and out.

use std::fs;

use serde_json::Value;

use super::{G, findings};
use crate::support::{Database, Project, Run, Template, database, runtime};

pub const A: &str = "00000000-0000-0000-0000-00000000000a";
const B: &str = "00000000-0000-0000-0000-00000000000b";

pub fn id(number: u32) -> String {
    format!("00000000-0000-0000-0001-{number:012}")
}

pub fn tenants(db: &Database) {
    db.run(&format!(
        "INSERT INTO tenants (id, name, slug) VALUES ('{A}', 'A', 'a'), ('{B}', 'B', 'b')"
    ));
}

pub fn line(number: u32, tenant: &str) -> String {
    format!(
        "{{\"label\":\"Concept\",\"properties\":{{\"id\":\"{}\",\"label\":\"c{number}\",\"tenant_id\":\"{tenant}\"}}}}\n",
        id(number)
    )
}

pub fn edge(from: u32, to: u32) -> String {
    format!(
        "{{\"label\":\"PREREQUISITE_OF\",\"from\":{{\"label\":\"Concept\",\"id\":\"{}\"}},\"to\":{{\"label\":\"Concept\",\"id\":\"{}\"}},\"properties\":{{\"tenant_id\":\"{A}\"}}}}\n",
        id(from),
        id(to)
    )
}

pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

fn ask(db: &Database, args: &[&str]) -> Value {
    let run = db
        .edu(&[&["db", "graph", "query", "--output", "json"], args].concat())
        .expect(0);
    serde_json::from_str::<Value>(&run.stdout).unwrap()["rows"].clone()
}

fn check(db: &Database, args: &[&str]) -> Run {
    db.edu(&[&["db", "graph", "check", "--output", "json"], args].concat())
}

/// Four vertices and three edges, by `edu db graph load`.
fn loaded() -> (Database, Files) {
    let (db, files) = (database(Template::Migrated), Files::new());
    tenants(&db);
    let text = format!(
        "{}{}{}",
        (1..=3).map(|n| line(n, A)).collect::<String>(),
        line(4, B),
        edge(1, 2) + &edge(2, 3) + &edge(1, 3)
    );
    db.edu(&["db", "graph", "load", &files.write("g.ndjson", &text)])
        .expect(0);
    (db, files)
}

#[test]
fn what_was_loaded_is_clean_asked_and_dumped_and_loads_again_the_same() {
    let (db, files) = loaded();
    check(&db, &[]).expect(0);
    let chain = ask(
        &db,
        &[
            "prerequisite_chain",
            "--tenant",
            A,
            "--param",
            &format!("tenant_id={A}"),
            "--param",
            &format!("concept_id={}", id(3)),
        ],
    );
    assert_eq!(chain.as_array().unwrap().len(), 3, "{chain}");
    db.edu(&["db", "graph", "dump", &files.path("one")])
        .expect(0);
    let other = database(Template::Migrated);
    other
        .edu(&["db", "graph", "load", &files.path("one")])
        .expect(0);
    other
        .edu(&["db", "graph", "dump", &files.path("two")])
        .expect(0);
    assert_eq!(
        fs::read_to_string(files.path("one")).unwrap(),
        fs::read_to_string(files.path("two")).unwrap()
    );
    // Later Cypher counts on behind what was loaded.
    db.run(&format!("SET search_path = public, ag_catalog; SELECT * FROM cypher('{G}', $$ CREATE (c:Concept {{id: '{}', tenant_id: '{A}', label: 'n'}}) $$) AS (v agtype)", id(9)));
    check(&db, &[]).expect(0);
}

#[test]
fn a_line_that_does_not_fit_is_named_and_the_run_goes_on_from_its_batch() {
    let (db, files) = (database(Template::Migrated), Files::new());
    let good: String = (1..=4).map(|n| line(n, A)).collect();
    let bad = line(5, A).replace("\"label\":\"c5\"", "\"label\":\"c5\",\"confidence\":7");
    let file = files.write("g.ndjson", &format!("{good}{bad}{}", line(6, A)));
    let run = db
        .edu(&["db", "graph", "load", &file, "--batch", "2"])
        .expect(2);
    assert!(
        run.stderr.contains("line 5")
            && run.stderr.contains("confidence")
            && run.stderr.contains("run the same command again"),
        "{}",
        run.stderr
    );
    assert_eq!(
        db.one(&format!("SELECT count(*) FROM {G}.\"Concept\"")),
        "4"
    );
    files.write("g.ndjson", &format!("{good}{}{}", line(5, A), line(6, A)));
    let again = db
        .edu(&["db", "graph", "load", &file, "--batch", "2"])
        .expect(0);
    assert!(
        again.stderr.contains("4 lines are in") && again.stdout.contains("loaded 2 lines"),
        "{} {}",
        again.stderr,
        again.stdout
    );
    assert_eq!(
        db.one(&format!("SELECT count(*) FROM {G}.\"Concept\"")),
        "6"
    );
}

#[test]
fn a_load_that_is_killed_goes_on_where_it_stopped_however_often() {
    let (db, files) = (database(Template::Migrated), Files::new());
    tenants(&db);
    let vertices: String = (1..=4_000).map(|n| line(n, A)).collect();
    let edges: String = (1..4_000).map(|n| edge(n, n + 1)).collect();
    let file = files.write("g.ndjson", &(vertices + &edges));
    // The first load makes the table.
    let count = "SELECT CASE WHEN to_regclass('edu.graph_load') IS NULL THEN '0' ELSE (xpath('//c/text()',
                 query_to_xml('SELECT count(*) AS c FROM edu.graph_load', false, true, '')))[1]::text END";
    let mut killed = 0;
    // Killed whenever at least one more batch is in, until one run is through.
    loop {
        let before: u32 = db.one(count).parse().unwrap();
        let mut child = crate::support::command(
            &Project::root(),
            &[
                "db",
                "graph",
                "load",
                &file,
                "--batch",
                "100",
                "--url",
                &db.url(),
            ],
            &[],
        )
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if killed < 5 && db.one(count).parse::<u32>().unwrap() > before {
                break None;
            }
        };
        let Some(status) = ended else {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            continue;
        };
        assert!(status.success());
        break;
    }
    assert!(killed > 0, "the load was through before it could be killed");
    let rows = |label: &str| db.one(&format!("SELECT count(*) FROM {G}.\"{label}\""));
    assert_eq!(
        (rows("Concept"), rows("PREREQUISITE_OF")),
        ("4000".to_owned(), "3999".to_owned())
    );
    assert_eq!(db.one(count), "0", "a load that has ended is forgotten");
    check(&db, &[]).expect(0);
}

#[test]
fn a_broken_off_load_goes_on_with_the_same_lines_alone() {
    let (db, files) = (database(Template::Migrated), Files::new());
    let good: String = (1..=4).map(|n| line(n, A)).collect();
    let file = files.write("g.ndjson", &format!("{good}nonsense\n"));
    let load =
        |more: &[&str]| db.edu(&[&["db", "graph", "load", &file, "--batch", "2"], more].concat());
    load(&[]).expect(2);
    let other: String = (5..=8).map(|n| line(n, A)).collect();
    files.write("g.ndjson", &other);
    let refused = load(&[]).expect(8);
    assert!(
        refused.stderr.contains("lines 1 to 2") && refused.stderr.contains("--restart"),
        "{}",
        refused.stderr
    );
    load(&["--restart"]).expect(0);
    let rows = format!("SELECT count(*) FROM {G}.\"Concept\"");
    assert_eq!(db.one(&rows), "8");
    // What was brought in and taken out again is not taken for loaded.
    let two = line(9, A) + &line(10, A);
    files.write("g.ndjson", &format!("{two}nonsense\n"));
    load(&[]).expect(2);
    db.run(&format!("DELETE FROM {G}.\"Concept\""));
    files.write("g.ndjson", &two);
    assert!(load(&[]).expect(8).stderr.contains("was taken out again"));
    load(&["--restart"]).expect(0);
    assert_eq!(db.one(&rows), "2");
}

#[test]
fn load_refuses_a_foreign_tenant_and_an_edge_to_nowhere() {
    let (db, files) = loaded();
    let foreign = files.write("f.ndjson", &line(7, B));
    let run = db
        .edu(&["db", "graph", "load", &foreign, "--tenant", A])
        .expect(2);
    assert!(run.stderr.contains("tenant_id"), "{}", run.stderr);
    for (from, to) in [(1, 99), (1, 4)] {
        let file = files.write("e.ndjson", &edge(from, to));
        let run = db.edu(&["db", "graph", "load", &file]).expect(1);
        assert!(
            run.stderr
                .contains("1 edges of PREREQUISITE_OF name a vertex that does not exist"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn csv_is_loaded_by_its_heading() {
    let (db, files) = (database(Template::Migrated), Files::new());
    let file = files.write(
        "c.csv",
        &format!(
            "id,label,confidence,aliases\n{},\"a, \"\"b\"\"\",0.5,\"[\"\"x\"\"]\"\n{},c,,\n",
            id(1),
            id(2)
        ),
    );
    db.edu(&[
        "db", "graph", "load", &file, "--label", "Concept", "--tenant", A,
    ])
    .expect(0);
    let edges = files.write(
        "e.csv",
        &format!("from,to,strength\n{},{},optional\n", id(1), id(2)),
    );
    db.edu(&[
        "db",
        "graph",
        "load",
        &edges,
        "--label",
        "PREREQUISITE_OF",
        "--tenant",
        A,
    ])
    .expect(0);
    let rows = ask(
        &db,
        &[
            "find_concepts",
            "--tenant",
            A,
            "--param",
            &format!("tenant_id={A}"),
            "--param",
            "search=\"b\"",
        ],
    );
    assert_eq!(rows[0]["label"], "a, \"b\"");
}

#[test]
fn a_tenant_that_is_no_superuser_loads_through_the_policies() {
    let (db, files) = (database(Template::Migrated), Files::new());
    let file = files.write(
        "g.ndjson",
        &format!("{}{}{}", line(1, A), line(2, A), edge(1, 2)),
    );
    let url = db.url_as("edusphere_login");
    let load = |more: &[&str]| {
        crate::support::edu(
            &Project::root(),
            &[&["db", "graph", "load", &file, "--url", &url], more].concat(),
        )
    };
    assert!(load(&[]).expect(8).stderr.contains("--tenant"));
    load(&["--tenant", A]).expect(0);
    assert_eq!(
        db.one(&format!("SELECT count(*) FROM {G}.\"PREREQUISITE_OF\"")),
        "1"
    );
}

#[test]
fn every_kind_of_bad_row_is_found_with_its_code() {
    let (db, _files) = loaded();
    db.run(&format!(
        "SET search_path = public, ag_catalog;
         DO $$ DECLARE k record; BEGIN FOR k IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
             WHERE conname LIKE 'edu\\_p\\_%' OR conname = 'edu_keys' LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.t, k.conname); END LOOP; END $$;
         DROP INDEX {G}.idx_concept_id;
         INSERT INTO {G}.\"Concept\" (properties) VALUES
           ('{{\"tenant_id\": \"{A}\", \"label\": \"x\", \"id\": \"{one}\"}}'),
           ('{{\"tenant_id\": \"{A}\", \"label\": \"x\"}}'),
           ('{{\"tenant_id\": \"{A}\", \"label\": 7, \"id\": \"{seven}\"}}'),
           ('{{\"tenant_id\": \"{A}\", \"label\": \"x\", \"id\": \"nonsense\"}}'),
           ('{{\"tenant_id\": \"{A}\", \"label\": \"\", \"id\": \"{eight}\", \"confidence\": 1.5, \"source_type\": \"guess\", \"more\": 1}}'),
           ('{{\"tenant_id\": \"{unknown}\", \"label\": \"x\", \"id\": \"{nine}\"}}');
         INSERT INTO {G}.\"Person\" (properties) VALUES ('{{\"tenant_id\": \"{A}\", \"name\": \"p\", \"id\": \"{one}\"}}');
         INSERT INTO {G}.\"PREREQUISITE_OF\" (start_id, end_id, properties) SELECT p.id, c.id, '{{\"tenant_id\": \"{A}\"}}' FROM {G}.\"Person\" p, {G}.\"Concept\" c LIMIT 1;
         INSERT INTO {G}.\"CITES\" (start_id, end_id, properties) SELECT id, '844424930139999', '{{\"tenant_id\": \"{A}\"}}' FROM {G}.\"Person\";
         INSERT INTO {G}.\"CITES\" (start_id, end_id, properties) SELECT id, id, '{{\"tenant_id\": \"{B}\"}}' FROM {G}.\"Person\";
         INSERT INTO concept_embeddings (tenant_id, concept_id, source_text, embedding, model_name)
           VALUES ('{A}', '{unknown}', 't', (SELECT ('[' || string_agg('0.1', ',') || ']')::vector FROM generate_series(1, 768)), 'm');
         SELECT setval('{G}.\"Person_id_seq\"', 1, false)",
        one = id(1), seven = id(7), eight = id(8), nine = id(9), unknown = id(77),
    ));
    let found = findings(&check(&db, &[]).expect(1));
    for wanted in [
        "data-duplicate-id label Concept",
        "data-required label Concept, property id",
        "data-type label Concept, property label",
        "data-type label Concept, property id",
        "data-length label Concept, property label",
        "data-range label Concept, property confidence",
        "data-enum label Concept, property source_type",
        "data-unknown label Concept",
        "data-reference label Concept, property tenant_id",
        "data-end-label label PREREQUISITE_OF",
        "data-orphan-edge label CITES",
        "data-cross-tenant label CITES",
        "data-link column public.concept_embeddings.concept_id",
        "data-unlinked label Concept",
        "sequence-behind sequence of Person",
    ] {
        assert!(
            found.iter().any(|one| one == wanted),
            "{wanted} is not in {found:#?}"
        );
    }
    let shown = db.edu(&["db", "graph", "check", "--fix"]).expect(8);
    assert!(
        shown.stderr.contains("1 orphan edges were not deleted"),
        "{}",
        shown.stderr
    );
    let fixed = db.edu(&["db", "graph", "check", "--fix", "--yes"]);
    assert!(
        fixed.stdout.contains("deleted 1 orphan edges"),
        "{}",
        fixed.stdout
    );
    assert!(
        !findings(&check(&db, &[]))
            .iter()
            .any(|one| one.starts_with("data-orphan"))
    );
    db.edu(&["db", "graph", "repair", "--yes"]).expect(0);
    assert!(
        !findings(&check(&db, &[]))
            .iter()
            .any(|one| one.starts_with("sequence-behind"))
    );
}

#[test]
fn check_never_calls_clean_what_it_could_not_see() {
    let (db, _files) = loaded();
    let url = db.url_as("edusphere_login");
    let check = |more: &[&str]| {
        crate::support::edu(
            &Project::root(),
            &[&["db", "graph", "check", "--url", &url], more].concat(),
        )
    };
    let run = check(&[]).expect(8);
    assert!(
        run.stderr.contains("cannot see every row"),
        "{}",
        run.stderr
    );
    let run = check(&["--tenant", A]).expect(0);
    assert!(
        run.stdout.contains("only one tenant's rows were looked at"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_query_runs_as_the_application_with_real_parameters() {
    let (db, files) = loaded();
    let all = files.write(
        "all.cypher",
        "MATCH (c:Concept) RETURN c.label AS label ORDER BY c.label",
    );
    assert_eq!(
        ask(&db, &[&all, "--tenant", B]),
        serde_json::json!([{"label": "c4"}])
    );
    assert_eq!(
        ask(&db, &[&all]),
        serde_json::json!([]),
        "no context, no rows"
    );
    let quote = "O'Brien $$ \\\\ \"x\"";
    let create = [
        "create_concept",
        "--tenant",
        A,
        "--param",
        &format!("id={}", id(50)),
        "--param",
        &format!("tenant_id={A}"),
        "--param",
        &format!("label={quote}"),
        "--param",
        "aliases=[]",
        "--param",
        "confidence=1",
        "--param",
        "source_type=manual",
    ];
    assert_eq!(ask(&db, &create)[0]["v"]["properties"]["label"], quote);
    let find = [
        "find_concepts",
        "--tenant",
        A,
        "--param",
        &format!("tenant_id={A}"),
        "--param",
        "search=Brien",
    ];
    assert_eq!(
        ask(&db, &find),
        serde_json::json!([]),
        "rolled back without --write"
    );
    ask(&db, &[&create[..], &["--write"]].concat());
    assert_eq!(ask(&db, &find)[0]["label"], quote);
}

#[test]
fn a_new_vertex_that_breaks_its_schema_is_refused_in_words() {
    let db = database(Template::Migrated);
    let broken = db
        .edu(&[
            "db",
            "graph",
            "query",
            "create_concept",
            "--tenant",
            A,
            "--param",
            &format!("id={}", id(51)),
            "--param",
            &format!("tenant_id={A}"),
            "--param",
            "label=x",
            "--param",
            "aliases=[]",
            "--param",
            "confidence=9",
            "--param",
            "source_type=manual",
        ])
        .expect(5);
    assert!(
        broken.stderr.contains("breaks a constraint"),
        "{}",
        broken.stderr
    );
}

#[test]
fn declared_queries_keep_their_promises_over_fixtures_and_synthetic_rows_and_nothing_stays() {
    let db = database(Template::Migrated);
    let run = db
        .edu(&["db", "graph", "verify", "--prove", "--output", "json"])
        .expect(0);
    assert_eq!(findings(&run), [""; 0]);
    assert_eq!(
        db.one(&format!("SELECT count(*) FROM {G}._ag_label_vertex")),
        "0"
    );
    db.edu(&["db", "graph", "lint"]);
}

#[test]
fn a_query_that_reads_a_whole_label_or_another_tenant_is_found() {
    let db = database(Template::Migrated);
    let project = copy_of_the_project();
    let find = project.path().join("graph/queries/find_concepts.cypher");
    let text = fs::read_to_string(&find).unwrap();
    fs::write(
        &find,
        text.replace("(c:Concept {tenant_id: $tenant_id})", "(c:Concept)")
            .replace(
                "c.label CONTAINS $search",
                "c.label CONTAINS $search AND $tenant_id <> ''",
            ),
    )
    .unwrap();
    let verify = project
        .edu(&[
            "db",
            "graph",
            "verify",
            "--prove",
            "--output",
            "json",
            "--url",
            &db.url(),
        ])
        .expect(1);
    let found = findings(&verify);
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("query-unbound graph/queries/find_concepts.cypher")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("query-result graph/fixtures")),
        "{found:#?}"
    );
}

pub fn copy_of_the_project() -> Project {
    let read = |path: &str| fs::read_to_string(Project::root().join(path)).unwrap();
    let mut files = vec![
        ("edu.toml".to_owned(), read("edu.toml")),
        (
            "graph/ontology.toml".to_owned(),
            read("graph/ontology.toml"),
        ),
    ];
    for folder in ["graph/queries", "graph/fixtures"] {
        for entry in fs::read_dir(Project::root().join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().display());
            files.push((name.clone(), read(&name)));
        }
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Project::new(&files)
}

#[test]
fn a_restored_dump_is_repaired_and_every_query_answers() {
    let (db, files) = loaded();
    let restored = database(Template::Empty);
    let run = |program: &str, args: &[&str]| {
        let output = runtime().command(program).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(
        run(
            "pg_dump",
            &["-Fc", "-f", &files.path("dump"), "-d", &db.url()]
        ),
        ""
    );
    let said = run("pg_restore", &["-d", &restored.url(), &files.path("dump")]);
    // The test server's databases have an empty schema ag_catalog to begin with.
    let errors = said
        .lines()
        .filter(|line| line.contains("error:") && !line.contains("\"ag_catalog\" already exists"));
    assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{said}");
    restored.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = \"$user\", public, ag_catalog', current_database()); END $$");
    let found = super::verify(&restored);
    assert!(
        found
            .iter()
            .any(|one| one == &format!("graph-oid-stale graph {G}")),
        "{found:#?}"
    );
    let plan = restored.edu(&["db", "graph", "repair"]).expect(1);
    assert!(
        plan.stdout.contains("oids of the graphs"),
        "{}",
        plan.stdout
    );
    restored.edu(&["db", "graph", "repair", "--yes"]).expect(0);
    restored.edu(&["db", "graph"]).expect(0);
    assert_eq!(super::verify(&restored), [""; 0]);
    restored
        .edu(&["db", "graph", "verify", "--prove"])
        .expect(0);
    restored
        .edu(&["db", "graph", "dump", &files.path("restored")])
        .expect(0);
    db.edu(&["db", "graph", "dump", &files.path("source")])
        .expect(0);
    assert_eq!(
        fs::read_to_string(files.path("source")).unwrap(),
        fs::read_to_string(files.path("restored")).unwrap()
    );
}

#[test]
fn a_cloned_database_needs_no_repair() {
    // Every database of these tests is a clone of a template.
    let (db, _files) = loaded();
    let run = db.edu(&["db", "graph", "repair"]).expect(0);
    assert_eq!(run.stdout, "nothing to repair\n");
}
