//! `edu db plan`, and what `edu db migrate` makes of hazards, plans and histories.

use crate::support::{Database, Project, Run, Template, database, migrations};

const NOTE: (&str, &str) = (
    "migrations/V1__note.sql",
    "CREATE TABLE note (id int PRIMARY KEY, title varchar(10), body text);",
);

/// A project with a migrated table of a thousand rows, and `text` as its second migration.
fn with_rows(text: &str) -> (Database, Project) {
    let db = database(Template::Empty);
    let project = Project::new(&[NOTE]);
    run(&project, &db, &["db", "migrate"]).expect(0);
    db.run("INSERT INTO note SELECT i, 'x', 'y' FROM generate_series(1, 1000) i; ANALYZE note");
    project.write("migrations/V2__change.sql", text);
    (db, project)
}

fn run(project: &Project, db: &Database, args: &[&str]) -> Run {
    project.edu(&[args, &["--url", &db.url()]].concat())
}

#[test]
fn a_plan_names_locks_sizes_and_hazards_and_exits_with_findings() {
    let (db, project) =
        with_rows("CREATE INDEX i ON note (title);\nALTER TABLE note ADD COLUMN lang text;\n");
    let plan = run(&project, &db, &["db", "plan"]).expect(1);
    assert!(
        plan.says("CREATE INDEX public.note: Share lock, blocks writes, builds an index"),
        "{}",
        plan.stdout
    );
    assert!(plan.says("about 1000 rows"), "{}", plan.stdout);
    assert!(
        plan.says("index-blocks-writes: blocks writes on public.note"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.says("ADD COLUMN public.note: AccessExclusive lock, blocks reads and writes"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.says("STOPS the run") && plan.says("one transaction"),
        "{}",
        plan.stdout
    );
}

#[test]
fn a_hazard_on_a_table_with_rows_stops_the_run_before_anything_runs() {
    let (db, project) = with_rows("CREATE TABLE other (a int);\nDROP TABLE note;\n");
    let refused = run(&project, &db, &["db", "migrate"]).expect(8);
    assert!(
        refused.says("-- edu: allow data-loss reason="),
        "{}",
        refused.stderr
    );
    assert!(
        refused.says("migrations/V2__change.sql:2"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        db.one("SELECT to_regclass('other') IS NULL AND count(*) = 1000 FROM note"),
        "t"
    );
    project.write(
        "migrations/V2__change.sql",
        "-- edu: allow data-loss reason=\"moved away\"\nCREATE TABLE other (a int);\nDROP TABLE note;\n",
    );
    run(&project, &db, &["db", "plan"]).expect(0);
    run(&project, &db, &["db", "migrate"]).expect(0);
    assert_eq!(db.one("SELECT to_regclass('note') IS NULL"), "t");
}

#[test]
fn the_same_hazard_on_an_empty_table_stops_nothing() {
    let (db, project) = with_rows("DROP TABLE note;\n");
    db.run("TRUNCATE note");
    run(&project, &db, &["db", "plan"]).expect(0);
    run(&project, &db, &["db", "migrate"]).expect(0);
}

#[test]
fn what_the_catalog_proves_is_no_hazard() {
    let (db, project) = with_rows(
        "ALTER TABLE note ALTER COLUMN title TYPE varchar(40);\nALTER TABLE note ALTER COLUMN body SET NOT NULL;\n",
    );
    let plan = run(&project, &db, &["db", "plan"]).expect(1);
    assert!(
        plan.says("table-scan-under-lock") && !plan.says("table-rewrite"),
        "{}",
        plan.stdout
    );
    db.run("ALTER TABLE note ADD CONSTRAINT b CHECK (body IS NOT NULL)");
    run(&project, &db, &["db", "plan"]).expect(0);
    run(&project, &db, &["db", "migrate"]).expect(0);
}

#[test]
fn an_unused_allowance_is_a_finding() {
    let (db, project) =
        with_rows("-- edu: allow table-rewrite reason=\"x\"\nCREATE TABLE b (a int);\n");
    let plan = run(&project, &db, &["db", "plan"]).expect(1);
    assert!(
        plan.says("allowance table-rewrite is not needed"),
        "{}",
        plan.stdout
    );
}

#[test]
fn an_unknown_hazard_is_pointed_at_with_the_nearest_one() {
    let (db, project) = with_rows("-- edu: allow data-lost reason=\"x\"\nDROP TABLE note;\n");
    let refused = run(&project, &db, &["db", "plan"]).expect(2);
    assert!(
        refused.says("Did you mean `data-loss`?"),
        "{}",
        refused.stderr
    );
    assert!(refused.says("V2__change.sql:1:15"), "{}", refused.stderr);
}

#[test]
fn a_plan_that_nothing_moved_since_is_carried_out() {
    let (db, project) = with_rows("CREATE TABLE b (a int);\nALTER TABLE note ADD COLUMN c int;\n");
    let file = project.path().join("plan.json");
    let file = file.to_str().unwrap();
    run(&project, &db, &["db", "plan", "--out", file]).expect(0);
    run(&project, &db, &["db", "migrate", "--plan", file]).expect(0);
    let stale = run(&project, &db, &["db", "migrate", "--plan", file]).expect(4);
    assert!(
        stale.says("the schema history changed since the plan was made"),
        "{}",
        stale.stderr
    );
}

#[test]
fn a_plan_is_refused_when_a_file_or_a_table_changed() {
    let (db, project) = with_rows("ALTER TABLE note ADD COLUMN c int;\n");
    let file = project.path().join("plan.json");
    let file = file.to_str().unwrap();
    run(&project, &db, &["db", "plan", "--out", file]).expect(0);
    db.run("ALTER TABLE note ADD COLUMN d int");
    let moved = run(&project, &db, &["db", "migrate", "--plan", file]).expect(4);
    assert!(
        moved.says("a table that the plan changes has changed"),
        "{}",
        moved.stderr
    );
    db.run("ALTER TABLE note DROP COLUMN d");
    project.write(
        "migrations/V2__change.sql",
        "ALTER TABLE note ADD COLUMN e int;\n",
    );
    let moved = run(&project, &db, &["db", "migrate", "--plan", file]).expect(4);
    assert!(
        moved.says("\"migrations/V2__change.sql\" changed"),
        "{}",
        moved.stderr
    );
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text.replace("\"edu\": \"", "\"edu\": \"9")).unwrap();
    let moved = run(&project, &db, &["db", "migrate", "--plan", file]).expect(8);
    assert!(moved.says("another version of edu"), "{}", moved.stderr);
}

#[test]
fn two_plans_of_one_database_are_equal_byte_for_byte() {
    let (db, project) = with_rows("ALTER TABLE note ADD CHECK (id > 0);\n");
    let one = run(&project, &db, &["db", "plan", "--output", "json"]).expect(1);
    let two = run(&project, &db, &["db", "plan", "--output", "json"]).expect(1);
    assert_eq!(one.stdout, two.stdout);
    assert!(one.stdout.contains("\"format\": 1"));
}

#[test]
fn this_projects_migrations_need_no_allowance_on_an_empty_database() {
    let db = database(Template::Bootstrapped);
    let plan = db.edu(&["db", "plan"]).expect(0);
    assert!(plan.says("V0001__initial_schema.sql"), "{}", plan.stdout);
}

#[test]
fn a_concurrent_index_on_a_label_table_is_refused_always() {
    let db = database(Template::Migrated);
    let project = Project::new(&[(
        "migrations/V9__i.sql",
        "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY i ON edusphere_graph.\"Concept\" (properties);\n",
    )]);
    db.run("DROP TABLE refinery_schema_history; UPDATE edu.meta SET project = 'shop'");
    let refused = run(&project, &db, &["db", "migrate"]).expect(8);
    assert!(
        refused.says("concurrent-index-on-graph"),
        "{}",
        refused.stderr
    );
    assert!(!refused.says("edu: allow"), "{}", refused.stderr);
}

#[test]
fn an_older_migration_is_refused_unless_it_is_asked_for_and_then_said_loudly() {
    let db = database(Template::Empty);
    let project = Project::new(&[NOTE, ("migrations/V5__e.sql", "CREATE TABLE e (a int);")]);
    run(&project, &db, &["db", "migrate"]).expect(0);
    project.write("migrations/V3__c.sql", "CREATE TABLE c (a int);");
    project.write("migrations/V7__g.sql", "CREATE TABLE g (a int);");
    let refused = run(&project, &db, &["db", "migrate"]).expect(4);
    assert!(
        refused.says("V3__c.sql") && refused.says("--allow-out-of-order"),
        "{}",
        refused.stderr
    );
    let late = run(&project, &db, &["db", "migrate", "--allow-out-of-order"]).expect(0);
    assert!(
        late.says("warning: \"migrations/V3__c.sql\" is applied out of order"),
        "{}",
        late.stderr
    );
    let versions =
        "SELECT string_agg(version::text, ' ' ORDER BY version) FROM refinery_schema_history";
    assert_eq!(db.one(versions), "1 3 5 7");
    run(&project, &db, &["db", "migrate"]).expect(0);
    project.write("migrations/V5__e.sql", "CREATE TABLE e (b int);");
    project.write("migrations/V4__d.sql", "CREATE TABLE d (a int);");
    let divergent = run(&project, &db, &["db", "migrate", "--allow-out-of-order"]).expect(4);
    assert!(divergent.says("V5 differs"), "{}", divergent.stderr);
}

#[test]
fn an_edit_of_comments_only_is_told_apart_and_can_be_accepted() {
    let (db, project) = with_rows("CREATE TABLE b (a int);");
    run(&project, &db, &["db", "migrate"]).expect(0);
    project.write(
        "migrations/V2__change.sql",
        "-- a remark\nCREATE TABLE b\n  (a int);\n",
    );
    let told = run(&project, &db, &["db", "migrate"]).expect(4);
    assert!(
        told.says("Only comments, spaces or line ends differ"),
        "{}",
        told.stderr
    );
    let accepted = run(&project, &db, &["db", "migrate", "--accept-edits"]).expect(0);
    assert!(accepted.says("accepted"), "{}", accepted.stdout);
    run(&project, &db, &["db", "migrate"]).expect(0);
    project.write(
        "migrations/V2__change.sql",
        "CREATE TABLE b (a int, c int);",
    );
    let real = run(&project, &db, &["db", "migrate", "--accept-edits"]).expect(4);
    assert!(
        !real.says("Only comments") && real.says("checksum"),
        "{}",
        real.stderr
    );
}

#[test]
fn a_hazard_is_explained_with_an_example_and_a_fix() {
    let project = Project::new(&[]);
    let told = project.edu(&["explain", "index-blocks-writes"]).expect(0);
    assert!(told.says("CREATE INDEX CONCURRENTLY"), "{}", told.stdout);
    assert!(project.edu(&["explain"]).expect(0).says("data-loss"));
    assert!(
        project
            .edu(&["explain", "data-lost"])
            .expect(2)
            .says("edu explain data-loss")
    );
}

#[test]
fn a_migrations_header_holds_for_it() {
    let up = "-- edu: role limited\n-- edu: lock-timeout 123ms\n-- edu: statement-timeout 7s\n\
              INSERT INTO seen SELECT current_user, current_setting('lock_timeout'), current_setting('statement_timeout');";
    let (db, project) = with_rows(up);
    let role = format!("limited_{}", db.name);
    db.run(&format!("CREATE ROLE {role}; CREATE TABLE seen (who text, lock text, statement text); GRANT INSERT ON seen TO {role}"));
    project.write(
        "migrations/V2__change.sql",
        &up.replace("role limited", &format!("role {role}")),
    );
    assert!(
        run(&project, &db, &["db", "plan"])
            .expect(0)
            .says(&format!("as {role}"))
    );
    run(&project, &db, &["db", "migrate"]).expect(0);
    let seen = db.one("SELECT (who LIKE 'limited%') || ' ' || lock || ' ' || statement FROM seen");
    db.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!(seen, "true 123ms 7s");
}

#[test]
fn a_deployer_without_a_look_at_ages_catalogs_can_plan_and_is_still_kept_from_a_concurrent_index() {
    let db = database(Template::Migrated);
    let role = format!("deployer_{}", db.name);
    db.run(&format!(
        "CREATE ROLE {role} LOGIN NOINHERIT; GRANT SELECT ON refinery_schema_history TO {role}"
    ));
    let project = Project::new(&[("migrations/V9__a.sql", "CREATE TABLE b (a int);")]);
    project.write(
        "migrations/V9__a.sql",
        "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY i ON edusphere_graph.\"Concept\" (properties);\n",
    );
    db.run("DELETE FROM refinery_schema_history");
    let url = db.url_as(&role);
    let plan = project.edu(&["db", "plan", "--url", &url]).expect(1);
    db.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert!(plan.says("concurrent-index-on-graph"), "{}", plan.stdout);
}

#[test]
fn a_plan_and_a_refusal_read_like_this() {
    let (db, project) = with_rows(
        "-- edu: allow breaks-running-code reason=\"nothing reads title\"\n\
         ALTER TABLE note RENAME COLUMN title TO headline;\n\
         ALTER TABLE note ADD CHECK (id > 0);\nCREATE INDEX note_body ON note (body);\n\
         CREATE TABLE tag (note int REFERENCES note);\n\
         DO $$ BEGIN NULL; END $$;\n",
    );
    let plan = run(&project, &db, &["db", "plan"]).expect(1);
    let refusal = run(&project, &db, &["db", "migrate"]).expect(8);
    let refusal: Vec<&str> = refusal
        .stderr
        .lines()
        .filter(|line| !line.starts_with("database: "))
        .collect();
    insta::assert_snapshot!(format!("{}---\n{}", plan.stdout, refusal.join("\n")));
}

#[test]
fn a_block_that_drops_needs_the_allowance_that_the_plain_statement_needs() {
    let db = database(Template::Empty);
    let project = migrations(&["CREATE TABLE users (i int);\nINSERT INTO users VALUES (1);"]);
    let on = |words: &[&str]| project.edu(&[words, &["--url", &db.url()]].concat());
    on(&["db", "migrate"]).expect(0);
    let function = "CREATE FUNCTION clear() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN DROP TABLE users; END $f$;";
    for text in [
        "DROP TABLE users;".to_owned(),
        "DO $$ BEGIN DROP TABLE users; END $$;".to_owned(),
        "DO $$ BEGIN EXECUTE 'DROP TABLE users'; END $$;".to_owned(),
        "DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'users'); END $$;".to_owned(),
        format!("{function}\nSELECT clear();"),
    ] {
        project.write("migrations/V0002__drop.sql", &text);
        project.write("migrations/V0002__drop.down.sql", "SELECT 1;");
        let planned = on(&["db", "plan"]).expect(1);
        assert!(planned.says("data-loss"), "{text}: {}", planned.stdout);
        let run = on(&["db", "migrate"]).expect(8);
        assert!(run.says("allow data-loss"), "{text}: {}", run.stderr);
        assert_eq!(db.one("SELECT count(*) FROM users"), "1", "{text}");
        project.write(
            "migrations/V0002__drop.sql",
            &format!("-- edu: allow data-loss reason=\"gone with V2\"\n{text}"),
        );
        let planned = on(&["db", "plan"]).expect(0);
        assert!(!planned.says("unused"), "{text}: {}", planned.stdout);
        let linted = project.edu(&["db", "lint"]);
        for word in ["data-loss", "allowance-unused"] {
            assert!(!linted.says(word), "{text}: {}", linted.stdout);
        }
    }
    on(&["db", "migrate"]).expect(0);
    assert_eq!(db.one("SELECT to_regclass('users')"), "NULL");
}
