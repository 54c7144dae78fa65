//! Functions by which a session enters a tenant's context.

use super::*;

const TENANT_IS: &str = "NULLIF(current_setting('app.tenant', true), '')::uuid";

/// A shop whose sessions enter a tenant by `body`; `listed` is said of the function in spec/access.toml.
fn shop(body: &str, listed: &str) -> Case {
    let schema = format!(
        "CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, email text NOT NULL);
         CREATE INDEX ON users (tenant_id);
         {}
         CREATE POLICY a ON tenants TO form_app USING (id = {TENANT_IS});
         CREATE POLICY a ON users TO form_app USING (tenant_id = {TENANT_IS});
         CREATE FUNCTION enter(t uuid, u uuid) RETURNS void {body};
         GRANT EXECUTE ON FUNCTION enter(uuid, uuid) TO form_login",
        secured(&["tenants", "users"])
    );
    let access = format!(
        "root = \"public.tenants\"\n{}{}[[function]]\nname = \"public.enter(uuid, uuid)\"\ncallers = [\"form_login\"]\n{listed}\n",
        table("tenants", "tenant = \"id\""),
        table("users", "tenant = \"tenant_id\"\nowner = \"id\"")
    );
    case(
        "tenant = \"app.tenant\"\nuser = \"app.member\"",
        &schema,
        &access,
    )
}

fn plpgsql(statements: &str) -> String {
    format!("LANGUAGE plpgsql AS $$ BEGIN {statements} END $$")
}

const ENTER: &str = "IF t IS NULL THEN RAISE EXCEPTION 'no tenant'; END IF;
    PERFORM pg_catalog.set_config('app.tenant', t::text, true), pg_catalog.set_config('app.member', u::text, true);
    PERFORM pg_catalog.set_config('role', 'form_app', true);";
const MEMBERS: &str = "IF NOT EXISTS (SELECT FROM public.users x WHERE x.id = u) THEN RAISE EXCEPTION 'not of this tenant'; END IF;";
const OWN: &str = "enters = \"own\"";

#[test]
fn a_function_that_enters_for_the_transaction_is_clean() {
    shop(&plpgsql(ENTER), "").clean();
    shop(&plpgsql(ENTER), "enters = \"any\"").clean();
}

#[test]
fn one_that_enters_for_the_session_is_told_by_its_text_and_by_an_attempt() {
    let wide = shop(
        &plpgsql(&ENTER.replace("t::text, true", "t::text, false")),
        "",
    );
    for (engine, id) in [
        ("static", "context-helper-session-wide"),
        ("probe", "context-helper-leaks"),
    ] {
        wide.says(engine, id, "public.enter(uuid,uuid)", "");
    }
    let computed = shop(
        &plpgsql(&ENTER.replace("t::text, true", "t::text, u IS NULL")),
        "",
    );
    computed.says(
        "static",
        "context-helper-session-wide",
        "public.enter",
        "app.tenant",
    );
    let said = plpgsql("EXECUTE format('SET app.tenant = %L', t); SET LOCAL ROLE form_app;");
    let said = shop(&said, "");
    said.says(
        "static",
        "context-helper-session-wide",
        "public.enter",
        "behind a pooler",
    );
    said.says(
        "probe",
        "context-helper-leaks",
        "public.enter",
        "outlives COMMIT",
    );
}

#[test]
fn a_parsed_body_hides_nothing() {
    let atomic = |local: &str| {
        format!(
            "BEGIN ATOMIC SELECT pg_catalog.set_config('app.tenant', t::text, {local}), pg_catalog.set_config('role', 'form_app', true); END"
        )
    };
    let kept = shop(&atomic("false"), "");
    kept.says(
        "static",
        "context-helper-session-wide",
        "public.enter",
        "app.tenant",
    );
    kept.says(
        "probe",
        "context-helper-leaks",
        "public.enter",
        "outlives COMMIT",
    );
    let ids = shop(&atomic("true"), "").ids("static,probe");
    assert!(!ids.contains("context-helper-session-wide"), "{ids:?}");
}

#[test]
fn one_that_falls_back_to_a_tenant_does_not_fail_closed() {
    let falls = ENTER
        .replace("IF t IS NULL THEN RAISE EXCEPTION 'no tenant'; END IF;", "")
        .replace(
            "t::text, true",
            "COALESCE(t, '00000000-0000-0000-0000-000000000001')::text, true",
        );
    shop(&plpgsql(&falls), "").says(
        "probe",
        "context-helper-leaks",
        "public.enter",
        "called without a tenant it leaves one set",
    );
}

#[test]
fn nobody_enters_a_tenant_that_it_does_not_belong_to_where_the_file_says_so() {
    shop(&plpgsql(&format!("{ENTER}{MEMBERS}")), OWN).clean();
    shop(&plpgsql(ENTER), OWN).says(
        "probe",
        "foreign-rows-reached",
        "public.enter(uuid,uuid)",
        "enters tenant B, which its user does not belong to",
    );
    let nobody = format!("{ENTER} RAISE EXCEPTION 'closed';");
    shop(&plpgsql(&nobody), OWN).says(
        "probe",
        "promised-access-missing",
        "public.enter(uuid,uuid)",
        "enters its own tenant",
    );
}
