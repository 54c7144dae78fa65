//! The tenant in a column of the row's own, the setting read by an expression or a helper function.

use super::*;

const CONTEXT: &str = "tenant = \"app.tenant\"";

fn shop(policies: &str) -> Case {
    let schema = format!(
        "CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, email text NOT NULL);
         CREATE INDEX ON users (tenant_id);
         {}
         {policies}",
        secured(&["tenants", "users"])
    );
    let access = format!(
        "root = \"public.tenants\"\n{}{}",
        table("tenants", "tenant = \"id\""),
        table("users", "tenant = \"tenant_id\"")
    );
    case(CONTEXT, &schema, &access)
}

/// Four policies per table, as a helper function lets one write them.
fn by_helper(helper: &str) -> String {
    format!(
        "{helper}; GRANT EXECUTE ON FUNCTION get_tenant() TO form_app;
         CREATE POLICY a ON tenants TO form_app USING (id = get_tenant());
         CREATE POLICY a ON users FOR SELECT TO form_app USING (tenant_id = get_tenant());
         CREATE POLICY b ON users FOR INSERT TO form_app WITH CHECK (tenant_id = get_tenant());
         CREATE POLICY c ON users FOR UPDATE TO form_app USING (tenant_id = get_tenant());
         CREATE POLICY d ON users FOR DELETE TO form_app USING (tenant_id = get_tenant());"
    )
}

const DOOR: &str = "[[function]]\nname = \"public.get_tenant()\"\ncallers = [\"form_app\"]\n";

fn helped(helper: &str) -> Case {
    let case = shop(&by_helper(helper));
    let access = std::fs::read_to_string(case.project.path().join("spec/access.toml")).unwrap();
    case.project
        .write("spec/access.toml", &format!("{access}{DOOR}"));
    case
}

const FALLBACK: &str = "COALESCE(NULLIF(current_setting('app.tenant', true), ''), '00000000-0000-0000-0000-000000000000')::uuid";

#[test]
fn one_policy_for_all_commands_is_proved_and_needs_no_with_check() {
    let policy = "CREATE POLICY tenant_isolation ON tenants TO form_app USING (id = NULLIF(current_setting('app.tenant', true), '')::uuid);
         CREATE POLICY tenant_isolation ON users TO form_app USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);";
    shop(policy).clean();
    let by_command = policy.replace("users TO form_app USING", "users FOR SELECT TO form_app USING")
        + "CREATE POLICY b ON users FOR INSERT TO form_app WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);
           CREATE POLICY c ON users FOR UPDATE TO form_app USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);
           CREATE POLICY d ON users FOR DELETE TO form_app USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);";
    shop(&by_command).clean();
}

#[test]
fn helper_functions_are_looked_into_in_every_language_they_are_written_in() {
    let value = "NULLIF(current_setting('app.tenant', true), '')::uuid";
    for helper in [
        format!(
            "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN {value}; END; $$"
        ),
        format!(
            "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT {value} $$"
        ),
        format!(
            "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE RETURN {value}"
        ),
        format!(
            "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC SELECT {value}; END"
        ),
    ] {
        helped(&helper).clean();
    }
}

#[test]
fn a_helper_that_falls_back_to_a_tenant_is_refuted_until_no_row_can_be_that_tenants() {
    let helper = format!(
        "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN {FALLBACK}; END; $$"
    );
    let case = helped(&helper);
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.users",
        "the session has no context and the row is of 00000000-0000-0000-0000-000000000000",
    );
    case.says(
        "static",
        "context-form-fragile",
        "public.users",
        "a session without a context gets a tenant",
    );
    case.changed("ALTER TABLE tenants ADD CHECK (id <> '00000000-0000-0000-0000-000000000000')")
        .clean();
}

#[test]
fn a_helper_that_is_not_stable_or_not_parallel_safe_is_told() {
    let value = "NULLIF(current_setting('app.tenant', true), '')::uuid";
    let plain = format!(
        "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RETURN {value}; END; $$"
    );
    let case = helped(&plain);
    case.says(
        "static",
        "policy-helper-unsafe",
        "public.get_tenant()",
        "it is VOLATILE",
    );
    case.says(
        "proof",
        "policy-not-provable",
        "public.users",
        "public.get_tenant() (VOLATILE: not looked into)",
    );
    case.changed("ALTER FUNCTION get_tenant() STABLE");
    case.says(
        "static",
        "policy-helper-unsafe",
        "public.get_tenant()",
        "not PARALLEL SAFE",
    );
    assert_eq!(case.ids("proof,probe"), BTreeSet::new());
    case.changed("ALTER FUNCTION get_tenant() IMMUTABLE PARALLEL SAFE");
    case.says(
        "proof",
        "policy-not-provable",
        "public.users",
        "public.get_tenant()",
    );
    case.says(
        "probe",
        "foreign-rows-reached",
        "public.users",
        "cached plan",
    );
}

#[test]
fn a_setting_without_nullif_and_one_without_missing_ok_raise_and_that_is_told() {
    let policies = |value: &str| {
        format!(
            "CREATE POLICY a ON tenants TO form_app USING (id = {value}); CREATE POLICY a ON users TO form_app USING (tenant_id = {value})"
        )
    };
    let case = shop(&policies("current_setting('app.tenant', true)::uuid"));
    case.says(
        "static",
        "context-form-fragile",
        "public.users",
        "raises 22P02",
    );
    case.says(
        "probe",
        "context-raises",
        "public.users",
        "a session whose context is empty",
    );
    let case = shop(&policies("current_setting('app.tenant')::uuid"));
    case.says(
        "static",
        "context-form-fragile",
        "public.users",
        "raises 42704",
    );
    // The same behind a helper, where the policy's text does not show it.
    let case = helped(
        "CREATE FUNCTION get_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT current_setting('app.tenant', true)::uuid $$",
    );
    case.says(
        "static",
        "context-form-fragile",
        "public.users",
        "raises 22P02",
    );
    case.says("probe", "context-raises", "public.users", "(22P02)");
}

#[test]
fn policies_without_enable_and_tables_without_policies_are_told() {
    let value = "NULLIF(current_setting('app.tenant', true), '')::uuid";
    let case = shop(&format!(
        "CREATE POLICY a ON users TO form_app USING (tenant_id = {value}); ALTER TABLE users DISABLE ROW LEVEL SECURITY"
    ));
    case.says(
        "static",
        "policies-dormant",
        "public.users",
        "row security is off",
    );
    case.says(
        "static",
        "rls-disabled",
        "public.users",
        "reads every row of tenant B",
    );
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.users",
        "the row is another tenant's",
    );
    case.says("probe", "foreign-rows-reached", "public.users", "tenant B");
    case.says(
        "static",
        "no-policy-applies",
        "public.tenants",
        "every row of public.tenants is hidden",
    );
    case.says("probe", "promised-access-missing", "public.tenants", "");
}

#[test]
fn an_application_that_is_the_owner_is_told_whatever_its_policies_say() {
    let value = "NULLIF(current_setting('app.tenant', true), '')::uuid";
    let case = shop(&format!(
        "CREATE POLICY a ON tenants TO form_app USING (id = {value}); CREATE POLICY a ON users TO form_app USING (tenant_id = {value});
         ALTER TABLE users NO FORCE ROW LEVEL SECURITY"
    ));
    case.says("static", "rls-not-forced", "public.users", "form_owner");
    session(&case.database).run("ALTER TABLE users OWNER TO form_app");
    case.says("static", "role-reaches-owner", "form_app", "public.users");
    case.says("probe", "foreign-rows-reached", "public.users", "tenant B");
}

#[test]
fn a_text_that_is_cut_off_is_not_the_tenant() {
    let case = case(
        CONTEXT,
        &format!(
            "CREATE TABLE notes (id uuid PRIMARY KEY, tenant text NOT NULL); CREATE INDEX ON notes (tenant); {}
             CREATE POLICY a ON notes TO form_app USING (tenant = NULLIF(current_setting('app.tenant', true), '')::varchar(3))",
            secured(&["notes"])
        ),
        &table("notes", "tenant = \"tenant\""),
    );
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.notes",
        "tenant",
    );
}

#[test]
fn a_door_may_tell_who_knows_the_secret_and_nobody_else() {
    let value = "NULLIF(current_setting('app.tenant', true), '')::uuid";
    let schema = format!(
        "CREATE TABLE tenants (id uuid PRIMARY KEY);
         CREATE TABLE keys (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, hash text NOT NULL);
         CREATE INDEX ON keys (tenant_id); {}
         CREATE POLICY a ON tenants TO form_app USING (id = {value}); CREATE POLICY a ON keys TO form_app USING (tenant_id = {value});
         CREATE FUNCTION tenant_of(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
         AS $$ SELECT tenant_id FROM public.keys WHERE hash = $1 $$;
         GRANT SELECT ON keys TO form_lookup; GRANT EXECUTE ON FUNCTION tenant_of(text) TO form_app",
        secured(&["tenants", "keys"])
    );
    let door = "[[function]]\nname = \"public.tenant_of(text)\"\ncallers = [\"form_app\"]\ndoor = \"a key's hash gives the key's tenant\"\n";
    let access = format!(
        "root = \"public.tenants\"\n{}{}{door}{}",
        table("tenants", "tenant = \"id\""),
        table("keys", "tenant = \"tenant_id\""),
        exception("definer-function-callable", &["public.tenant_of(text)"]),
    );
    let case = case(CONTEXT, &schema, &access);
    let mut superuser = session(&case.database);
    superuser.run("ALTER FUNCTION tenant_of(text) OWNER TO form_lookup");
    case.clean();
    superuser.run("CREATE OR REPLACE FUNCTION tenant_of(text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$ SELECT md5(string_agg(tenant_id::text, ',' ORDER BY tenant_id::text))::uuid FROM public.keys WHERE hash LIKE $1 $$");
    case.says(
        "probe",
        "tenants-interfere",
        "public.tenant_of(text)",
        "depends on tenant B",
    );
}
