//! `edu db plan`: what pending migrations do to access.

use crate::support::{Project, Run, Template, database, edu, server};

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
