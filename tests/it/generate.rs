//! `edu db generate`, `push`, `introspect` and `diff`.

use std::fs;

use crate::support::{Database, Project, Template, database, major};

/// What the spec gets beyond what the migrations give.
const MORE: &str = "\
CREATE TYPE public.more_kind AS ENUM ('a', 'b');
CREATE TABLE public.more (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES public.tenants (id),
    kind public.more_kind,
    number integer CHECK (number > 0),
    counted serial
);
CREATE INDEX more_tenant ON public.more (tenant_id);
REVOKE ALL ON public.more FROM edusphere_app;
GRANT SELECT ON public.more TO edusphere_app;
ALTER TABLE public.more ENABLE ROW LEVEL SECURITY;
CREATE POLICY more_all ON public.more TO edusphere_app
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
ALTER TABLE public.users ADD COLUMN phone text, ADD CONSTRAINT phone_ok CHECK (length(phone) > 3);
CREATE INDEX users_phone ON public.users (phone) WHERE phone IS NOT NULL;
CREATE VIEW public.b_view WITH (security_invoker = true) AS SELECT id, phone FROM public.users;
REVOKE ALL ON public.b_view FROM edusphere_app;
CREATE VIEW public.a_view WITH (security_invoker = true) AS SELECT id FROM public.b_view;
REVOKE ALL ON public.a_view FROM edusphere_app;
CREATE FUNCTION public.more_count() RETURNS bigint LANGUAGE sql STABLE SET search_path = ''
    AS 'SELECT count(*) FROM public.more';
COMMENT ON TABLE public.more IS 'it''s more';
";

fn changed() -> Project {
    let project = Project::copy_of_root();
    project.write("spec/schema/96_more.sql", MORE);
    project
}

fn replace(project: &Project, path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(project.path().join(path)).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    project.write(path, &text.replace(from, to));
}

fn read(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path().join(path)).unwrap()
}

fn generate(project: &Project, more: &[&str]) -> crate::support::Run {
    let major = major().to_string();
    project.edu(&[&["db", "generate", "--major", &major], more].concat())
}

fn same(project: &Project) -> crate::support::Run {
    let major = major().to_string();
    project.edu(&["db", "verify", "--project-only", "--major", &major])
}

fn fingerprint(db: &Database) -> String {
    db.edu(&["db", "fingerprint"]).expect(0).stdout
}

#[test]
fn a_generated_migration_gives_the_spec_and_planning_again_gives_nothing() {
    let project = changed();
    replace(
        &project,
        "spec/schema/10_shared.sql",
        "('free', 'starter'",
        "('free', 'trial', 'starter'",
    );
    generate(&project, &["more"]).expect(0);
    let values = read(&project, "migrations/V0005__more_values.sql");
    assert!(values.contains("ADD VALUE 'trial' AFTER 'free'") && values.contains("no-transaction"));
    let change = read(&project, "migrations/V0006__more.sql");
    assert!(change.contains("phone_ok CHECK ((length(phone) > 3)) NOT VALID;"));
    assert!(change.contains("VALIDATE CONSTRAINT phone_ok;"));
    let indexes = read(&project, "migrations/V0007__more_indexes.sql");
    assert!(indexes.contains("CREATE INDEX CONCURRENTLY users_phone"));
    same(&project).expect(0);
    let again = generate(&project, &["again"]).expect(0);
    assert!(again.says("nothing to write"), "{}", again.stdout);
}

#[test]
fn the_way_back_of_a_generated_migration_leads_back() {
    let project = changed();
    let db = database(Template::Migrated);
    let before = fingerprint(&db);
    generate(&project, &["more"]).expect(0);
    project
        .edu(&["db", "migrate", "--url", &db.url()])
        .expect(0);
    assert_ne!(before, fingerprint(&db));
    for file in ["V0006__more_indexes", "V0005__more"] {
        for statement in read(&project, &format!("migrations/{file}.down.sql")).split(";\n") {
            db.run(statement);
        }
    }
    assert_eq!(before, fingerprint(&db));
}

#[test]
fn a_rename_is_written_when_it_is_asked_for_and_never_guessed() {
    let project = Project::copy_of_root();
    replace(
        &project,
        "spec/schema/30_users.sql",
        "avatar_url",
        "picture_url",
    );
    let guessed = generate(&project, &["picture", "--dry-run"]).expect(1);
    assert!(guessed.says("ADD COLUMN picture_url"), "{}", guessed.stdout);
    assert!(
        guessed.says("left to you: column public.users.avatar_url"),
        "{}",
        guessed.stderr
    );
    let asked = ["picture", "--rename", "public.users.avatar_url=picture_url"];
    generate(&project, &asked).expect(0);
    let text = read(&project, "migrations/V0005__picture.sql");
    assert!(
        text.contains("RENAME COLUMN avatar_url TO picture_url"),
        "{text}"
    );
    same(&project).expect(0);
}

#[test]
fn push_changes_only_a_database_that_was_named_and_leaves_it_as_the_spec_says() {
    let project = changed();
    let db = database(Template::Migrated);
    let refused = project.edu(&["db", "push", "--url", &db.url()]).expect(8);
    assert!(refused.says("--unprotected"), "{}", refused.stderr);
    project
        .edu(&["db", "push", "--url", &db.url(), "--unprotected", &db.name])
        .expect(0);
    project
        .edu(&["db", "verify", "--only", "catalog", "--url", &db.url()])
        .expect(0);
}

#[test]
fn an_introspected_database_verifies_clean_against_its_project() {
    let db = database(Template::Seeded);
    db.run("DROP TABLE public.refinery_schema_history");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("found");
    let target = target.to_str().unwrap();
    let root = Project::root();
    crate::support::edu(&root, &["db", "introspect", target, "--url", &db.url()]).expect(0);
    let run = crate::support::edu(
        &root,
        &["--project", target, "db", "verify", "--url", &db.url()],
    );
    let run = run.expect(0);
    assert!(run.says("no differences"), "{}", run.stdout);
    assert!(run.says("edu db baseline"), "{}", run.stdout);
}

#[test]
fn two_databases_are_compared_without_a_project_between_them() {
    let one = database(Template::Migrated);
    let other = database(Template::Migrated);
    let root = Project::root();
    let diff = || crate::support::edu(&root, &["db", "diff", &one.url(), &other.url()]);
    diff().expect(0);
    other.run("DROP INDEX public.idx_users_tenant");
    let run = diff().expect(3);
    assert!(
        run.says("index idx_users_tenant on public.users: missing"),
        "{}",
        run.stdout
    );
}

/// Expressions that the server keeps as the same tree, and words by the table they stand on.
const ALIKE: &str = "\
CREATE TABLE public.one (a int, b int, c int GENERATED ALWAYS AS (a + b) STORED, d int DEFAULT 7);
CREATE TABLE public.two (b int, a int, c int GENERATED ALWAYS AS (b - a) STORED, d int DEFAULT 8);
CREATE TABLE public.three (a int, b int);
CREATE TABLE public.other (x int);
CREATE INDEX index_1 ON public.one (b) WHERE a > 1;
CREATE INDEX index_2 ON public.two (a) WHERE b > 1;
CREATE INDEX index_3 ON public.three (b) WHERE a > 1;
CREATE POLICY policy_1 ON public.one USING (a > 1) WITH CHECK (b > 1);
CREATE POLICY policy_2 ON public.two USING (b > 1) WITH CHECK (a > 1);
CREATE POLICY policy_3 ON public.three USING (a > 1) WITH CHECK (b > 1);
CREATE POLICY policy_4 ON public.one USING (EXISTS (SELECT FROM public.other o WHERE o.x = one.a));
CREATE POLICY policy_5 ON public.three USING (EXISTS (SELECT FROM public.other o WHERE o.x = three.a));
CREATE POLICY policy_6 ON public.one USING (one IS NOT NULL);
CREATE POLICY policy_7 ON public.three USING (three IS NOT NULL);
CREATE POLICY policy_8 ON public.one FOR INSERT WITH CHECK (true);
CREATE POLICY policy_9 ON public.two FOR INSERT WITH CHECK (true);";

#[test]
fn what_looks_alike_to_the_server_is_worded_by_the_table_it_stands_on() {
    let db = database(Template::Empty);
    db.run(ALIKE);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("found");
    let words = ["db", "introspect", target.to_str().unwrap(), "--url"];
    crate::support::edu(&Project::root(), &[&words[..], &[&db.url()]].concat()).expect(0);
    let mut text = String::new();
    for file in fs::read_dir(target.join("spec/schema")).unwrap() {
        text += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    // The server's own words for each alone.
    let mut session = db.session("postgres");
    session.run("SET search_path = ''");
    let wanted = session.rows(
        "SELECT polname::text, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polqual IS NOT NULL
         UNION ALL SELECT polname::text, pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polwithcheck IS NOT NULL
         UNION ALL SELECT indexrelid::regclass::text, pg_get_expr(indpred, indrelid) FROM pg_index WHERE indpred IS NOT NULL",
    );
    assert_eq!(wanted.len(), 15);
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in wanted {
        let name = row[0].trim_start_matches("public.");
        let (_, rest) = text.split_once(&format!(" {name} ON ")).unwrap();
        let statement = one_line(rest.split_once(';').unwrap().0);
        let expression = one_line(&row[1]);
        assert!(
            statement.contains(&expression),
            "{name} {statement}: {expression}"
        );
    }
    for (table, column) in [
        ("one", "(a + b)"),
        ("two", "(b - a)"),
        ("one", "DEFAULT 7"),
        ("two", "DEFAULT 8"),
    ] {
        let (_, rest) = text
            .split_once(&format!("CREATE TABLE public.{table} ("))
            .unwrap();
        assert!(
            rest.split_once(';').unwrap().0.contains(column),
            "{table} {column}"
        );
    }
}
