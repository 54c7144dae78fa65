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
