//! Claims about `edu db seed`.

use super::support::{Database, Project, Template, database};

/// Two kinds of tables: rows of tenants behind forced policies, and one that the owner alone writes.
const SCHEMA: &str = "
CREATE TYPE plan AS ENUM ('free', 'pro');
CREATE DOMAIN slug AS varchar(20) CHECK (VALUE ~ '^[a-z-]+$');
CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug slug NOT NULL UNIQUE, plan plan NOT NULL,
  api_key text, settings jsonb NOT NULL DEFAULT '{}');
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants,
  email text NOT NULL UNIQUE, password text, born date, photo bytea, digest bytea, seen timestamptz, tags text[], friends uuid[],
  nick text DEFAULT 'none');
CREATE TABLE keys (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants, name text NOT NULL,
  hash text NOT NULL, prefix varchar(20) NOT NULL, UNIQUE (tenant_id, name));
CREATE TABLE notes (user_id uuid NOT NULL REFERENCES users, n int NOT NULL CHECK (n > 0), body text, PRIMARY KEY (user_id, n));
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE users FORCE ROW LEVEL SECURITY;
ALTER TABLE keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON tenants USING (id = NULLIF(current_setting('shop.tenant', true), '')::uuid) WITH CHECK (true);
CREATE POLICY p ON users USING (tenant_id = NULLIF(current_setting('shop.tenant', true), '')::uuid);
CREATE POLICY p ON keys USING (tenant_id = NULLIF(current_setting('shop.tenant', true), '')::uuid);
CREATE POLICY p ON notes USING (user_id = NULLIF(current_setting('shop.user', true), '')::uuid);
";

const TENANT: &str = r#"
[[table]]
name = "tenants"
as = "owner"
tenant = { ref = "acme" }         # forced: the owner is bound, too
key = ["slug"]
[[table.row]]
"$name" = "acme"
id = "00000000-0000-0000-0000-00000000000a"
slug = "acme"
plan = "pro"
api_key = { random = "pk_test_" }
settings = { ref = "is JSON here", now = [1, { a = true }] }
"#;

const PEOPLE: &str = r#"
[[table]]
name = "notes"                    # stands before the users it refers to
user = { ref = "anna" }
key = ["user_id", "n"]
[[table.row]]
user_id = { ref = "anna" }
n = 1
body = { null = true }

[[table]]
name = "keys"
tenant = { ref = "acme" }
key = ["tenant_id", "name"]
[[table.row]]
tenant_id = { ref = "acme" }
name = "dev"
hash = { api_key = "ci_test_", hash = "sha256" }
prefix = { api_key_prefix = 16 }

[[table]]
name = "users"
tenant = { ref = "acme" }
key = ["email"]
[[table.row]]
"$name" = "berta"
email = "berta@example.org"
tenant_id = { ref = "acme" }
friends = [{ "$ref" = "anna" }]
[[table.row]]
"$name" = "anna"
email = "anna@example.org"
tenant_id = { ref = "acme", column = "id" }
password = { argon2 = "testpassword123" }
born = 1990-02-01
photo = { hex = "00ff" }
digest = { sha256 = "password123" }
seen = { now = "-7d" }
tags = ["a", "b c"]
nick = { null = true }
"#;

/// A database with the shop's schema, and the project for it.
fn shop(seeds: &[(&str, &str)]) -> (Database, Project) {
    let db = database(Template::Empty);
    let (owner, app) = (format!("{}_owner", db.name), format!("{}_app", db.name));
    db.run(&format!(
        "CREATE ROLE {owner}; CREATE ROLE {app}; GRANT CREATE ON SCHEMA public TO {owner}; SET ROLE {owner}; {SCHEMA}
         GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {app}"
    ));
    let manifest = format!(
        "name = \"shop\"\n[roles]\nowner = \"{owner}\"\napplication = \"{app}\"\n\
         [context]\ntenant = \"shop.tenant\"\nuser = \"shop.user\"\n"
    );
    let mut files = vec![("edu.toml", manifest.as_str())];
    files.extend_from_slice(seeds);
    (db, Project::new(&files))
}

#[test]
fn computed_values_and_references_reach_their_columns() {
    let (db, project) = shop(&[("seeds/dev/1.toml", PEOPLE), ("seeds/dev/2.toml", TENANT)]);
    let run = project.edu(&["db", "seed", "--url", &db.url()]).expect(0);
    assert!(run.says("5 rows written"), "{}", run.stdout);

    let key = run
        .stdout
        .split_whitespace()
        .find(|word| word.starts_with("ci_test_"))
        .expect("the key is shown")
        .to_owned();
    assert_eq!(key.len(), 8 + 64);
    let stored =
        format!("SELECT prefix || ' ' || (hash = encode(sha256('{key}'), 'hex')) FROM keys");
    assert_eq!(db.one(&stored), format!("{} true", &key[..16]));

    assert_eq!(
        db.one("SELECT tenant_id || ' ' || born || ' ' || photo::text || ' ' || (digest = sha256('password123')) || ' ' || tags::text || ' ' || (nick IS NULL)
                FROM users WHERE email ^@ 'anna'"),
        "00000000-0000-0000-0000-00000000000a 1990-02-01 \\x00ff true {a,\"b c\"} true"
    );
    assert_eq!(
        db.one("SELECT count(*) FROM users WHERE password ^@ '$argon2id$' AND seen BETWEEN now() - interval '7 days 1 minute' AND now() - interval '7 days'"),
        "1"
    );
    assert_eq!(
        db.one(
            "SELECT count(*) FROM users b JOIN users a ON a.id = b.friends[1] WHERE b.nick = 'none'"
        ),
        "1"
    );
    assert_eq!(db.one("SELECT count(*) FROM notes JOIN users ON users.id = user_id WHERE email ^@ 'anna' AND body IS NULL"), "1");
    assert_eq!(
        db.one("SELECT settings::text || (api_key ~ '^pk_test_[0-9a-f]{32}$') FROM tenants"),
        "{\"now\": [1, {\"a\": true}], \"ref\": \"is JSON here\"}true"
    );
}

#[test]
fn seeding_twice_writes_nothing_and_makes_no_key() {
    let (db, project) = shop(&[("seeds/dev/1.toml", PEOPLE), ("seeds/dev/2.toml", TENANT)]);
    // A row's xmin and ctid change when it is written, even with the same values.
    let all = "SELECT string_agg(t, E'\\n' ORDER BY t) FROM (SELECT concat(xmin, ctid, t) FROM tenants t UNION ALL
               SELECT concat(xmin, ctid, t) FROM users t UNION ALL SELECT concat(xmin, ctid, t) FROM keys t UNION ALL
               SELECT concat(xmin, ctid, t) FROM notes t) AS x (t)";
    project.edu(&["db", "seed", "--url", &db.url()]).expect(0);
    let before = db.one(all);
    let run = project
        .edu(&["db", "seed", "--url", &db.url(), "--output", "json"])
        .expect(0);
    assert_eq!(db.one(all), before);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&answer["written"], &answer["present"]),
        (&0.into(), &5.into())
    );
    assert_eq!(answer["keys"].as_array().map(Vec::len), Some(0));
    let acme = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "acme");
    assert_eq!(acme.unwrap()["id"], "00000000-0000-0000-0000-00000000000a");
}

#[test]
fn a_dry_run_tells_and_keeps_nothing() {
    let (db, project) = shop(&[("seeds/dev/1.toml", PEOPLE), ("seeds/dev/2.toml", TENANT)]);
    let run = project
        .edu(&["db", "seed", "--dry-run", "--url", &db.url()])
        .expect(0);
    assert!(
        run.says("public.users: 2 rows") && run.says("rolled back"),
        "{}",
        run.stdout
    );
    assert!(!run.says("ci_test_"));
    assert_eq!(db.one("SELECT count(*) FROM tenants"), "0");
}

/// Seeds with `text` beside the tenant, and finds nothing written and the place told.
#[track_caller]
fn refused((db, project): &(Database, Project), text: &str, code: i32, place: &str, words: &str) {
    project.write("seeds/dev/1.toml", text);
    let run = project
        .edu(&["db", "seed", "--url", &db.url()])
        .expect(code);
    let told = run.stderr.contains(place) && run.stderr.contains(words);
    assert!(told, "{text}\n{}", run.stderr);
    assert_eq!(db.one("SELECT count(*) FROM tenants"), "0", "{text}");
}

/// A block with one user.
fn user(lines: &str) -> String {
    let tenant = match lines.contains("tenant_id") {
        true => "",
        false => "\ntenant_id = { ref = \"acme\" }",
    };
    format!(
        "[[table]]\nname = \"users\"\ntenant = {{ ref = \"acme\" }}\nkey = [\"email\"]\n[[table.row]]\n{lines}\nemail = \"a\"{tenant}\n"
    )
}

#[test]
fn a_row_that_the_server_refuses_is_pointed_at_and_nothing_is_written() {
    let shop = shop(&[("seeds/dev/2.toml", TENANT)]);
    let other = TENANT.replace("acme", "other");
    for (text, place, words) in [
        (user("tenant_id = \"x\""), "1.toml:6:13", "type uuid"),
        (user("born = \"soon\""), "1.toml:6:8", "type date"),
        (user("tags = 5"), "1.toml:6:8", "array"),
        (
            user("tenant_id = \"00000000-0000-0000-0000-00000000000b\""),
            "1.toml:5:1",
            "row-level security",
        ),
        (
            other.replace("\"pro\"", "\"golden\""),
            "1.toml:11:8",
            "golden",
        ),
        (
            other.replace("slug = \"other\"", "slug = \"Other!\""),
            "1.toml:10:8",
            "slug",
        ),
        (
            other.replace("slug = \"other\"", "slug = \"other-one\""),
            "2.toml:9:6",
            "duplicate key",
        ),
    ] {
        refused(&shop, &text, 5, place, words);
    }
}

#[test]
fn a_row_that_cannot_be_meant_is_pointed_at_before_anything_is_written() {
    let shop = shop(&[("seeds/dev/2.toml", TENANT)]);
    let table = TENANT.replace("acme", "other").replace("tenants", "tenant");
    for (text, place, words) in [
        (user("pasword = \"x\""), "1.toml:6:11", "\"password\""),
        (
            user("password = { agron2 = \"x\" }"),
            "1.toml:6:12",
            "argon2",
        ),
        (
            user("tenant_id = { ref = \"acne\" }"),
            "1.toml:6:13",
            "acme",
        ),
        (
            user("tenant_id = { ref = \"acme\", column = \"x\" }"),
            "1.toml:6:13",
            "no column",
        ),
        (table, "1.toml:3:8", "does not exist"),
    ] {
        refused(&shop, &text, 2, place, words);
    }
}

#[test]
fn rows_that_refer_to_each_other_in_a_circle_are_told() {
    let text = PEOPLE.replace(
        "tags = [\"a\", \"b c\"]",
        "friends = [{ \"$ref\" = \"berta\" }]",
    );
    let (db, project) = shop(&[("seeds/dev/1.toml", &text), ("seeds/dev/2.toml", TENANT)]);
    let run = project.edu(&["db", "seed", "--url", &db.url()]).expect(2);
    assert!(
        run.says("\"anna\" → \"berta\" → \"anna\"") || run.says("\"berta\" → \"anna\" → \"berta\""),
        "{}",
        run.stderr
    );
}

#[test]
fn a_row_that_forced_policies_deny_to_the_owner_says_how_to_enter_a_context() {
    let text = TENANT
        .replace("tenant = { ref = \"acme\" }", "#")
        .replace("\"$name\"", "# ");
    let users = "[[table]]\nname = \"users\"\nas = \"owner\"\nkey = [\"email\"]\n[[table.row]]\nemail = \"a\"\n\
                 tenant_id = \"00000000-0000-0000-0000-00000000000a\"\n";
    let (db, project) = shop(&[("seeds/dev/1.toml", &text), ("seeds/dev/2.toml", users)]);
    let run = project.edu(&["db", "seed", "--url", &db.url()]).expect(5);
    assert!(
        run.says("write tenant = \"<id>\" beside as = \"owner\""),
        "{}",
        run.stderr
    );
}
