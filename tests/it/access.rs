//! `edu db plan`: what pending migrations do to access.

use crate::support::{Database, Project, Run, Template, database, edu, server};

const TENANT: &str = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid";

/// The plan of these migrations after the project's own.
fn plan(migrations: &[(&str, String)]) -> Run {
    let db = database(Template::Migrated);
    let project = Project::copy_of_root();
    for (name, sql) in migrations {
        project.write(&format!("migrations/{name}"), sql);
    }
    let scratch = server().url("postgres", "postgres");
    edu(
        project.path(),
        &["db", "plan", "--scratch-url", &scratch, "--url", &db.url()],
    )
}

#[test]
fn a_plan_tells_unchanged_narrowed_widened_and_not_provable_apart() {
    let run = plan(&[
        ("V0005__same.sql", format!("ALTER POLICY modules_tenant_isolation ON modules USING (NOT (NOT ({TENANT})));\n")),
        ("V0006__less.sql", "CREATE POLICY floor ON modules AS RESTRICTIVE FOR SELECT TO edusphere_app USING (order_index > 0);\nREVOKE DELETE ON courses FROM edusphere_app;\n".to_owned()),
        ("V0007__more.sql", format!("ALTER POLICY courses_select_same_tenant ON courses USING ({TENANT} OR is_published);\nGRANT TRUNCATE ON users TO edusphere_app;\n")),
        ("V0008__unknown.sql", "CREATE FUNCTION allowed(uuid) RETURNS bool LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN random() > 2; END $$;\nALTER POLICY users_select_same_tenant ON users USING (allowed(tenant_id));\n".to_owned()),
    ])
    .expect(1);
    for told in [
        "unchanged: edusphere_app SELECT public.modules",
        "narrowed: edusphere_app SELECT public.modules",
        "narrowed: edusphere_app DELETE public.courses",
        "widened: edusphere_app SELECT public.courses: rows when",
        "widened: edusphere_app TRUNCATE public.users: the privilege is new [STOPS the run",
        "not provable: edusphere_app SELECT public.users",
    ] {
        assert!(
            run.says(told),
            "{told} not in\n{}\n{}",
            run.stdout,
            run.stderr
        );
    }
    assert!(run.says("is_published"), "{}", run.stdout);
}

#[test]
fn widened_access_needs_an_allowance_and_an_allowance_needs_widened_access() {
    let allow = "-- edu: allow widened-access reason=\"published courses are for everybody\"\n";
    let more = format!(
        "ALTER POLICY courses_select_same_tenant ON courses USING ({TENANT} OR is_published);\n"
    );
    plan(&[("V0005__more.sql", more.clone())]).expect(1);
    let run = plan(&[("V0005__more.sql", format!("{allow}{more}"))]).expect(0);
    assert!(
        run.says("[allowed: published courses are for everybody]"),
        "{}",
        run.stdout
    );
    let less = "REVOKE DELETE ON courses FROM edusphere_app;\n";
    let run = plan(&[("V0005__less.sql", format!("{allow}{less}"))]).expect(1);
    assert!(
        run.says("allowance widened-access is not needed"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_new_table_is_compared_with_what_is_declared_and_a_role_with_what_it_was() {
    let run = plan(&[
        ("V0005__open.sql", "CREATE TABLE notes (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants(id));\nGRANT SELECT ON notes TO edusphere_app;\n".to_owned()),
        ("V0006__view.sql", "CREATE FUNCTION count_users() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.users';\nGRANT EXECUTE ON FUNCTION count_users() TO edusphere_app;\n".to_owned()),
    ])
    .expect(1);
    assert!(run.says("widened: edusphere_app SELECT public.notes: more than spec/access.toml promises of the new table"), "{}", run.stdout);
    assert!(
        run.says("widened: edusphere_app EXECUTE public.count_users(): it runs as edusphere_owner"),
        "{}",
        run.stdout
    );
}

/// `edu db migrate` with one more migration that opens courses to everybody.
fn migrate(db: &Database, header: &str, more: &[&str]) -> Run {
    let project = Project::copy_of_root();
    let sql = format!(
        "{header}ALTER POLICY courses_select_same_tenant ON courses USING ({TENANT} OR is_published);\n"
    );
    project.write("migrations/V0900__more.sql", &sql);
    let scratch = server().url("postgres", "postgres");
    let words = [
        "db",
        "migrate",
        "--scratch-url",
        &scratch,
        "--url",
        &db.url(),
    ];
    edu(project.path(), &[&words[..], more].concat())
}

fn applied(db: &Database) -> bool {
    db.one("SELECT count(*) FROM refinery_schema_history WHERE version = 900") == "1"
}

const ALLOW: &str = "-- edu: allow widened-access reason=\"published courses are for everybody\"\n";

#[test]
fn a_migration_that_widens_access_is_refused_on_a_protected_database_before_anything_runs() {
    let db = database(Template::Migrated);
    db.run(&format!(
        "ALTER DATABASE {} SET edu.protected = on",
        db.name
    ));
    let run = migrate(&db, "", &[]).expect(8);
    for words in [
        "V0900__more.sql\" widens access",
        "edusphere_app SELECT public.courses",
        "is_published",
        "Nothing was run",
        "-- edu: allow widened-access",
    ] {
        assert!(run.says(words), "{words}: {}", run.stderr);
    }
    assert!(!applied(&db));
    let run = migrate(&db, ALLOW, &[]).expect(0);
    assert!(
        run.says("applied migrations/V0900__more.sql"),
        "{}",
        run.stdout
    );
    let run = migrate(&db, ALLOW, &[]).expect(0);
    assert!(run.says("nothing to do"), "{}", run.stdout);
}

#[test]
fn elsewhere_widened_access_is_refused_when_it_is_asked_for_or_the_plan_says_so() {
    let db = database(Template::Migrated);
    migrate(&db, "", &["--check-access"]).expect(8);
    assert!(!applied(&db));
    // Where access cannot be looked at, it is not taken for granted.
    let nowhere = "postgresql://nobody@127.0.0.1:1/x";
    let project = Project::copy_of_root();
    project.write(
        "migrations/V0900__more.sql",
        "GRANT TRUNCATE ON users TO edusphere_app;\n",
    );
    let words = [
        "db",
        "migrate",
        "--check-access",
        "--scratch-url",
        nowhere,
        "--url",
        &db.url(),
    ];
    let run = project.edu(&words).expect(8);
    assert!(
        run.says("what the migrations do to access is not known"),
        "{}",
        run.stderr
    );
    let scratch = server().url("postgres", "postgres");
    let words = [
        "db",
        "plan",
        "--out",
        "plan.json",
        "--scratch-url",
        &scratch,
        "--url",
        &db.url(),
    ];
    project.edu(&words).expect(1);
    let run = project.edu(&["db", "migrate", "--plan", "plan.json", "--url", &db.url()]);
    assert!(
        run.says("edusphere_app TRUNCATE public.users"),
        "{}",
        run.expect(8).stderr
    );
    assert!(!applied(&db));
    // A developer's database is not asked about it.
    migrate(&db, "", &[]).expect(0);
    assert!(applied(&db));
}

#[test]
fn a_protected_database_takes_nothing_of_which_nobody_knows_what_it_does_to_access_unless_told_to()
{
    let db = database(Template::Migrated);
    db.run(&format!(
        "ALTER DATABASE {} SET edu.protected = on",
        db.name
    ));
    let project = Project::copy_of_root();
    let on = |more: &[&str]| {
        let nowhere = "postgresql://nobody@127.0.0.1:1/x";
        let words = [
            "db",
            "migrate",
            "--scratch-url",
            nowhere,
            "--url",
            &db.url(),
        ];
        project.edu(&[&words[..], more].concat())
    };
    // The words that matter stand far behind in the statement.
    let columns: Vec<String> = (0..20)
        .map(|i| format!("ADD COLUMN extra_{i} int"))
        .collect();
    let text = format!(
        "ALTER TABLE public.courses {}, NO FORCE ROW LEVEL SECURITY;\n",
        columns.join(", ")
    );
    project.write("migrations/V0900__more.sql", &text);
    let run = on(&[]).expect(8);
    for words in [
        "what the migrations do to access is not known",
        "The database is protected",
        "--unchecked-access",
    ] {
        assert!(run.says(words), "{words}: {}", run.stderr);
    }
    assert!(!applied(&db));
    // What changes nobody's access needs no scratch database.
    project.write(
        "migrations/V0900__more.sql",
        "COMMENT ON TABLE public.courses IS 'x';\n",
    );
    on(&["--dry-run"]).expect(0);
    project.write(
        "migrations/V0900__more.sql",
        "GRANT TRUNCATE ON users TO edusphere_app;\n",
    );
    on(&[]).expect(8);
    let run = on(&["--unchecked-access"]).expect(0);
    assert!(run.says("no scratch database"), "{}", run.stderr);
    assert!(applied(&db));
}
