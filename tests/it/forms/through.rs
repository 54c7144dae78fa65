//! The tenant by way of foreign keys: rows that belong to whom the row they refer to belongs.

use super::*;

const VALUE: &str = "NULLIF(current_setting('app.tenant', true), '')::uuid";

fn chat(accounts: &str, messages: &str) -> Case {
    let schema = format!(
        "CREATE TABLE tenants (id uuid PRIMARY KEY);
         CREATE TABLE users (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants);
         CREATE TABLE accounts (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, provider text NOT NULL, UNIQUE (user_id, provider));
         CREATE TABLE messages (id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE, body text NOT NULL);
         CREATE INDEX ON users (tenant_id); CREATE INDEX ON messages (account_id);
         {}
         CREATE POLICY a ON tenants TO form_app USING (id = {VALUE});
         CREATE POLICY a ON users TO form_app USING (tenant_id = {VALUE});
         CREATE POLICY a ON accounts TO form_app USING ({accounts});
         CREATE POLICY a ON messages TO form_app USING ({messages});",
        secured(&["tenants", "users", "accounts", "messages"])
    );
    let access = format!(
        "root = \"public.tenants\"\n{}{}{}{}",
        table("tenants", "tenant = \"id\""),
        table("users", "tenant = \"tenant_id\""),
        table("accounts", "tenant = \"user_id.tenant_id\""),
        table("messages", "tenant = \"account_id.user_id.tenant_id\""),
    );
    case("tenant = \"app.tenant\"", &schema, &access)
}

fn accounts() -> String {
    format!(
        "EXISTS (SELECT 1 FROM users u WHERE u.id = accounts.user_id AND u.tenant_id = {VALUE})"
    )
}

fn messages() -> String {
    format!(
        "EXISTS (SELECT 1 FROM accounts a JOIN users u ON u.id = a.user_id WHERE a.id = messages.account_id AND u.tenant_id = {VALUE})"
    )
}

#[test]
fn exists_in_and_any_array_are_followed_along_the_keys() {
    chat(&accounts(), &messages()).clean();
    chat(
        &format!("user_id IN (SELECT id FROM users WHERE tenant_id = {VALUE})"),
        &format!("account_id = ANY (ARRAY(SELECT a.id FROM accounts a, users u WHERE a.user_id = u.id AND u.tenant_id = {VALUE}))"),
    )
    .clean();
    chat(
        &format!("(SELECT u.tenant_id FROM users u WHERE u.id = user_id) = {VALUE}"),
        &format!("EXISTS (SELECT FROM accounts a WHERE a.id = account_id AND EXISTS (SELECT FROM users u WHERE u.id = a.user_id AND u.tenant_id = {VALUE}))"),
    )
    .clean();
}

#[test]
fn the_policies_of_the_table_in_the_sub_select_count() {
    let visible = "EXISTS (SELECT FROM users u WHERE u.id = user_id)";
    let case = chat(
        visible,
        "EXISTS (SELECT FROM accounts a WHERE a.id = account_id)",
    );
    case.clean();
    case.changed("ALTER POLICY a ON users USING (true)");
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.accounts",
        "the row is another tenant's",
    );
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.messages",
        "the row is another tenant's",
    );
    case.says(
        "probe",
        "foreign-rows-reached",
        "public.messages",
        "tenant B",
    );
}

#[test]
fn a_sub_select_that_asks_the_wrong_row_or_not_enough_is_refuted() {
    for wrong in [
        format!("EXISTS (SELECT FROM users u WHERE u.tenant_id = {VALUE})"),
        format!("EXISTS (SELECT FROM users u WHERE u.id = user_id OR u.tenant_id = {VALUE})"),
        format!("EXISTS (SELECT FROM users u WHERE u.id = accounts.id AND u.tenant_id = {VALUE})"),
    ] {
        let case = chat(&wrong, &messages());
        let ids = case.ids("proof");
        assert!(
            ids.contains("policy-wider-than-declared") || ids.contains("policy-not-provable"),
            "{wrong}: {ids:?}"
        );
        assert!(!case.ids("probe").is_empty(), "{wrong}");
    }
    let narrower = format!(
        "EXISTS (SELECT FROM users u WHERE u.id = user_id AND u.tenant_id = {VALUE} AND provider = 'x')"
    );
    chat(&narrower, &messages()).says(
        "proof",
        "policy-narrower-than-declared",
        "public.accounts",
        "provider",
    );
}

#[test]
fn a_key_to_another_tenants_row_is_told_where_it_is_not_the_one_that_decides() {
    let case = chat(&accounts(), &messages());
    case.changed("ALTER TABLE messages ADD seen_by uuid REFERENCES users");
    case.says(
        "static",
        "foreign-key-without-tenant",
        "public.messages.messages_seen_by_fkey",
        "no key can hold both",
    );
}

#[test]
fn a_way_that_leads_nowhere_is_an_error_with_its_place() {
    let case = chat(&accounts(), &messages());
    case.changed("ALTER TABLE messages DROP CONSTRAINT messages_account_id_fkey");
    case.says(
        "static",
        "table-missing",
        "public.messages",
        "public.messages.account_id is no foreign key of its own",
    );
}
