//! Claims about `edu db seed`.

use super::support::{Database, Project, Session, Template, database, edu, own_server};

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

#[test]
fn a_check_finds_what_a_context_shows_beyond_its_rows_and_what_it_lacks() {
    let (db, project) = shop(&[("seeds/dev/1.toml", PEOPLE), ("seeds/dev/2.toml", TENANT)]);
    let check = ["db", "seed", "--check", "--url", &db.url()];
    project.edu(&["db", "seed", "--url", &db.url()]).expect(0);
    let run = project.edu(&check).expect(0);
    assert!(
        run.says("each shows its own and no other"),
        "{}",
        run.stdout
    );

    // A policy that lets another tenant's row through, a changed value, a deleted row.
    db.run(
        "CREATE POLICY open ON users FOR SELECT USING (true);
         INSERT INTO tenants (id, slug, plan) VALUES ('00000000-0000-0000-0000-00000000000b', 'b', 'free');
         INSERT INTO users (tenant_id, email) VALUES ('00000000-0000-0000-0000-00000000000b', 'foreign@example.org');
         UPDATE users SET tags = '{x}' WHERE email ^@ 'anna'; DELETE FROM keys",
    );
    let run = project.edu(&check).expect(1);
    for told in [
        "public.users in the context of 00000000-0000-0000-0000-00000000000a: shows 1 more than was seeded: email foreign@example.org",
        "public.users in the context of 00000000-0000-0000-0000-00000000000a: has another tags (seeds/dev/1.toml:30)",
        "public.keys in the context of 00000000-0000-0000-0000-00000000000a: is not visible (seeds/dev/1.toml:15)",
    ] {
        assert!(run.says(told), "{told}\n{}", run.stdout);
    }
}

#[test]
fn a_protected_database_is_refused_unless_it_is_named() {
    let (db, project) = shop(&[("seeds/dev/2.toml", TENANT)]);
    let manifest = std::fs::read_to_string(project.path().join("edu.toml")).unwrap();
    project.write(
        "edu.toml",
        &format!("protected = [\"{}\"]\n{manifest}", db.name),
    );
    let run = project.edu(&["db", "seed", "--url", &db.url()]).expect(8);
    assert!(
        run.says(&format!("--allow-protected={}", db.name)),
        "{}",
        run.stderr
    );
    project.write("edu.toml", &manifest);
    db.run(&format!(
        "ALTER DATABASE {} SET edu.protected = 'on'",
        db.name
    ));
    for args in [
        vec![],
        vec!["--allow-protected", "other"],
        vec!["--dry-run"],
    ] {
        let url = db.url();
        let all = [&["db", "seed", "--url", &url], args.as_slice()].concat();
        assert!(project.edu(&all).expect(8).says("edu.protected"));
    }
    assert_eq!(db.one("SELECT count(*) FROM tenants"), "0");
    let named = format!("--allow-protected={}", db.name);
    project
        .edu(&["db", "seed", "--url", &db.url(), &named])
        .expect(0);
}

#[test]
fn vectors_come_from_the_file_from_arrays_and_from_texts() {
    let db = database(Template::Empty);
    db.run("CREATE EXTENSION vector; CREATE TABLE note (id int PRIMARY KEY, v vector(3), h halfvec(3))");
    let row = |id: u8, value: &str| format!("[[table.row]]\nid = {id}\nv = {value}\n");
    let text = format!(
        "[[table]]\nname = \"note\"\nas = \"owner\"\n{}{}{}h = {{ embed = \"heat\" }}\n",
        row(1, "[0.25, -1, 3e-5]"),
        row(2, "{ file = \"seeds/dev/v.csv\", row = 1 }"),
        row(3, "{ embed = \"heat\" }"),
    );
    let project = Project::new(&[
        ("seeds/dev/1.toml", &text),
        ("seeds/dev/v.csv", "1,2,3\n4,5,6.5\n"),
    ]);
    project.edu(&["db", "seed", "--url", &db.url()]).expect(0);
    let v = |id: u8| db.one(&format!("SELECT v::text FROM note WHERE id = {id}"));
    assert_eq!(
        (v(1).as_str(), v(2).as_str()),
        ("[0.25,-1,3e-05]", "[4,5,6.5]")
    );
    assert_eq!(db.one("SELECT abs(1 - (v <#> v) * -1) < 1e-6 AND abs((v <=> h::vector)) < 1e-3 FROM note WHERE id = 3"), "t");

    project.write("seeds/dev/1.toml", &text.replace("row = 1", "row = 2"));
    let run = project.edu(&["db", "seed", "--url", &db.url()]).expect(2);
    assert!(
        run.says("1.toml:9:5") && run.says("has no row 2"),
        "{}",
        run.stderr
    );
    project.write(
        "seeds/dev/1.toml",
        &text.replace("seeds/dev/v.csv", "../v.csv"),
    );
    project.edu(&["db", "seed", "--url", &db.url()]).expect(2);
}

const A: &str = "00000000-0000-0000-0000-000000000001";

/// This repository's project with a second tenant and more of the graph.
fn graph(text: &str) -> Project {
    let project = Project::copy_of_root();
    project.write("seeds/dev/80_more.toml", text);
    project
}

fn concept(name: &str, tenant: &str, id: &str) -> String {
    format!(
        "[[vertex]]\nlabel = \"Concept\"\nname = \"{name}\"\ntenant = \"{tenant}\"\nproperties = {{ id = \"00000000-0000-0000-0000-0000000{id}\", label = \"{name}\" }}\n"
    )
}

#[test]
fn graph_seeds_are_written_once_as_the_application_in_their_tenant() {
    let db = database(Template::Migrated);
    let text = format!(
        "{}{}[[edge]]\nlabel = \"RELATED_TO\"\nfrom = \"energy\"\nto = \"entropy\"\nproperties = {{ strength = 0.8, method = \"manual\" }}\n\
         [[edge]]\nlabel = \"PREREQUISITE_OF\"\nfrom = {{ label = \"Concept\", id = \"00000000-0000-0000-0000-0000000000e1\" }}\nto = \"entropy\"\ntenant = \"{A}\"\n",
        concept("energy", A, "000e1"),
        concept("entropy", A, "000e2"),
    );
    let project = graph(&text);
    let seed = ["db", "seed", "--url", &db.url()];
    let before = project.edu(&seed).expect(0);
    assert!(before.says("rows written"), "{}", before.stdout);
    let count = "SELECT concat_ws(' ', (SELECT count(*) FROM edusphere_graph.\"RELATED_TO\"),
                 (SELECT count(*) FROM edusphere_graph.\"Concept\" WHERE properties OPERATOR(ag_catalog.->>) 'label'::text IN ('energy', 'entropy')
                  AND properties OPERATOR(ag_catalog.->>) 'source_type'::text = 'manual'),
                 (SELECT count(*) FROM edusphere_graph.\"PREREQUISITE_OF\"))";
    let first = db.one(count);
    // One of each is the profile's own.
    assert_eq!(first, "2 2 2");
    assert!(project.edu(&seed).expect(0).says("nothing to do"));
    assert_eq!(db.one(count), first);
    db.edu(&["db", "graph", "check"]).expect(0);
}

/// Two concepts and an edge between them.
fn edge(label: &str, properties: &str) -> String {
    let (energy, entropy) = (
        concept("energy", A, "000e1"),
        concept("entropy", A, "000e2"),
    );
    format!(
        "{energy}{entropy}[[edge]]\nlabel = \"{label}\"\nfrom = \"energy\"\nto = \"entropy\"\nproperties = {{ {properties} }}\n"
    )
}

#[test]
fn what_the_graph_may_not_hold_is_pointed_at_before_anything_is_written() {
    let db = database(Template::Migrated);
    let other = concept("entropy", "00000000-0000-0000-0000-000000000002", "000e2");
    let lost = "{ label = \"Concept\", id = \"00000000-0000-0000-0000-0000000000ff\" }";
    let none = edge("BELONGS_TO", "");
    let cases = [
        (
            none.replace("Concept", "Concpt"),
            2,
            "2:9",
            "not in the ontology",
        ),
        (
            edge("RELATED_TO", "strength = 1.5, method = \"manual\""),
            2,
            "15:27",
            "above 1",
        ),
        (edge("RELATED_TO", "strength = 1"), 2, "12:9", "method"),
        (edge("PREREQUISITE_OF", "x = 1"), 2, "15:20", "not declared"),
        (
            none.replace("to = \"entropy\"", "to = \"entorpy\""),
            2,
            "14:6",
            "entropy",
        ),
        (
            none.replace(&concept("entropy", A, "000e2"), &other),
            2,
            "14:6",
            "crosses tenants",
        ),
        (
            none.replace("to = \"entropy\"", &format!("to = {lost}")),
            1,
            "14:6",
            "does not exist",
        ),
    ];
    for (text, code, place, words) in cases {
        let run = graph(&text)
            .edu(&["db", "seed", "--url", &db.url()])
            .expect(code);
        let told = run.stderr.contains(&format!("more.toml:{place}")) && run.stderr.contains(words);
        assert!(told, "{text}\n{}", run.stderr);
        assert_eq!(db.one("SELECT count(*) FROM tenants"), "0", "{text}");
    }
}

/// This repository's tables with a small generated load.
fn scale(db: &Database, more: &[&str]) -> super::support::Run {
    let args = [
        "db",
        "seed",
        "--profile",
        "scale",
        "--tenants",
        "5",
        "--rows",
        "3_000",
        "--seed",
        "7",
    ];
    db.edu(&[args.as_slice(), more].concat())
}

/// A hash over all that the tables hold, whatever the order it was written in.
fn content(db: &Database) -> Vec<Vec<String>> {
    let tables = db.rows("SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                          AND relname <> 'refinery_schema_history' ORDER BY 1");
    let hash = |table: &Vec<String>| {
        format!(
            "SELECT '{0}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {0} t",
            table[0]
        )
    };
    db.rows(
        &tables
            .iter()
            .map(hash)
            .collect::<Vec<_>>()
            .join(" UNION ALL "),
    )
}

#[test]
fn a_generated_load_fills_every_table_and_is_the_same_everywhere() {
    let (one, two) = (database(Template::Migrated), database(Template::Migrated));
    let run = scale(&one, &["--jobs", "3"]).expect(0);
    assert!(run.says("rows written"), "{}", run.stdout);
    scale(&two, &["--jobs", "1"]).expect(0);
    let found = content(&one);
    assert_eq!(found.len(), 16);
    assert!(found.iter().all(|table| table[1] != "0"), "{found:?}");
    // created_at and the like come from the generator, too: nothing depends on when or how it was loaded.
    assert_eq!(found, content(&two));
    let total: u64 = found
        .iter()
        .map(|table| table[1].parse::<u64>().unwrap())
        .sum();
    assert!((2_900..=3_000).contains(&total), "{total}");

    // Tenants keep to themselves, the first has most, chains count from 0, vectors have length 1.
    assert_eq!(one.one("SELECT count(*) FROM modules m JOIN courses c ON c.id = m.course_id WHERE c.tenant_id <> m.tenant_id"), "0");
    assert_eq!(
        one.one("SELECT bool_and(seq = n) FROM (SELECT seq, row_number() OVER (PARTITION BY document_id ORDER BY seq) - 1 AS n FROM crdt_updates) x"),
        "t"
    );
    assert_eq!(
        one.one("SELECT bool_and(abs(vector_norm(embedding) - 1) < 1e-4) FROM content_embeddings"),
        "t"
    );
    assert_eq!(one.one("SELECT max(n) > 3 * min(n) FROM (SELECT count(*) AS n FROM content_embeddings GROUP BY tenant_id) x"), "t");
    assert_eq!(
        one.one("SELECT count(*) > 0 FROM content_embeddings WHERE source_text ~ '[א-ת]'"),
        "t"
    );

    assert!(scale(&one, &[]).expect(0).says("nothing to do"));
    assert_eq!(found, content(&one));
}

/// A hash over a graph's vertices and edges by what their properties say, whatever numbers AGE gave them.
fn whole_graph(db: &Database) -> Vec<Vec<String>> {
    let vertex = |alias: &str| format!("({alias}.properties OPERATOR(ag_catalog.->>) 'id'::text)");
    db.rows(&format!(
        "SELECT 'vertices', count(*), md5(string_agg(ag_catalog.agtype_out(v.properties)::text, E'\\n' ORDER BY {}))
           FROM edusphere_graph._ag_label_vertex v
         UNION ALL
         SELECT 'edges', count(*), md5(string_agg(x.t, E'\\n' ORDER BY x.t)) FROM (
           SELECT concat_ws(' ', {}, {}, e.tableoid::regclass, ag_catalog.agtype_out(e.properties)) AS t
           FROM edusphere_graph._ag_label_edge e JOIN edusphere_graph._ag_label_vertex a ON a.id = e.start_id
           JOIN edusphere_graph._ag_label_vertex b ON b.id = e.end_id) x",
        vertex("v"),
        vertex("a"),
        vertex("b"),
    ))
}

#[test]
fn a_generated_graph_has_hubs_passes_every_check_and_is_the_same_everywhere() {
    let (one, two) = (database(Template::Migrated), database(Template::Migrated));
    scale(&one, &["--jobs", "3"]).expect(0);
    scale(&two, &["--jobs", "1"]).expect(0);
    let found = whole_graph(&one);
    assert_eq!(found, whole_graph(&two));
    assert!(
        found
            .iter()
            .all(|kind| kind[1].parse::<u64>().unwrap() >= 150),
        "{found:?}"
    );
    one.edu(&["db", "graph", "check"]).expect(0);
    one.edu(&["db", "graph", "check", "--full"]).expect(0);
    let hub = "SELECT max(n) > 4 * avg(n) FROM (SELECT count(*) AS n FROM edusphere_graph._ag_label_edge GROUP BY end_id) x";
    assert_eq!(one.one(hub), "t");
    // Each tenant sees its own rows, those that were generated for it.
    let check = scale(&one, &["--check"]).expect(0);
    assert!(
        check.says("5 contexts") && check.says("each shows its own"),
        "{}",
        check.stdout
    );
    // An embedding is of a concept.
    let named = "SELECT count(*) FROM concept_embeddings e WHERE NOT EXISTS (SELECT FROM edusphere_graph.\"Concept\" c
                 WHERE (c.properties OPERATOR(ag_catalog.->>) 'id'::text) = e.concept_id::text)";
    assert_eq!(one.one(named), "0");

    // What is there is not written again; what is gone comes back.
    assert!(scale(&one, &[]).expect(0).says("nothing to do"));
    one.run("DELETE FROM edusphere_graph._ag_label_edge");
    scale(&one, &[]).expect(0);
    assert_eq!(whole_graph(&one), found);
}

#[test]
fn a_generated_row_that_is_missing_or_anothers_is_found() {
    let db = database(Template::Migrated);
    scale(&db, &[]).expect(0);
    let other = "(SELECT id FROM tenants ORDER BY id DESC LIMIT 1)";
    let first = "(SELECT id FROM tenants ORDER BY id LIMIT 1)";
    db.run(&format!(
        "DELETE FROM crdt_updates WHERE id = (SELECT id FROM crdt_updates WHERE tenant_id = {first} LIMIT 1);
         UPDATE annotations SET id = gen_random_uuid() WHERE id = (SELECT a.id FROM annotations a
           WHERE tenant_id = {other} AND NOT EXISTS (SELECT FROM annotation_embeddings e WHERE e.annotation_id = a.id)
             AND NOT EXISTS (SELECT FROM annotations c WHERE c.parent_id = a.id) LIMIT 1);"
    ));
    let check = scale(&db, &["--check"]).expect(1);
    assert!(
        check.says("public.crdt_updates in the context of"),
        "{}",
        check.stdout
    );
    assert!(
        check.says("public.annotations in the context of"),
        "{}",
        check.stdout
    );
    assert!(
        check.says("but not those that were generated"),
        "{}",
        check.stdout
    );
    assert!(check.says("2 differences"), "{}", check.stdout);
}

#[test]
fn a_role_that_policies_bind_loads_no_graph_and_nothing_else() {
    // A member of the owner would be drift to other tests: it is a role of the whole server.
    let server = own_server();
    let (root, url) = (Project::root(), server.url("edusphere", "postgres"));
    edu(&root, &["db", "bootstrap", "--create", "--url", &url]).expect(0);
    edu(&root, &["db", "migrate", "--url", &url]).expect(0);
    let mut admin = Session::at(&url);
    admin.run("CREATE ROLE loader LOGIN IN ROLE edusphere_owner");
    let as_loader = server.url("edusphere", "loader");
    let args = ["--tenants", "2", "--rows", "500", "--url", &as_loader];
    let run = edu(
        &root,
        &[["db", "seed", "--profile", "scale"].as_slice(), &args].concat(),
    );
    let run = run.expect(8);
    assert!(run.says("vertices = 0"), "{}", run.stderr);
    assert_eq!(admin.one("SELECT count(*) FROM tenants"), "0");
}

#[test]
fn a_load_that_lost_a_table_goes_on_there() {
    let db = database(Template::Migrated);
    scale(&db, &[]).expect(0);
    let found = content(&db);
    db.run("TRUNCATE crdt_updates, concept_embeddings");
    scale(&db, &[]).expect(0);
    assert_eq!(found, content(&db));
}

#[test]
fn vector_indexes_of_empty_tables_are_built_after_the_load() {
    let db = database(Template::Migrated);
    let before = "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                  JOIN pg_am a ON a.oid = c.relam WHERE amname = 'hnsw'";
    let oids = "SELECT min(indexrelid::int8) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam WHERE amname = 'hnsw'";
    let (names, first) = (db.one(before), db.one(oids));
    scale(&db, &["--load-then-index"]).expect(0);
    assert_eq!(db.one(before), names);
    assert_ne!(db.one(oids), first);
    // Now the tables have rows: nothing is dropped.
    let second = db.one(oids);
    scale(&db, &["--load-then-index"]).expect(0);
    assert_eq!(db.one(oids), second);
}

#[test]
fn a_load_reads_keys_and_constraints_of_any_schema() {
    let db = database(Template::Empty);
    db.run(
        "CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE DOMAIN percent AS int CHECK (VALUE >= 10 AND VALUE <= 20);
         CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE, boss int);
         CREATE TABLE person (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, parent_id bigint REFERENCES person,
           status text NOT NULL CHECK (status IN ('new', 'old')), mood mood NOT NULL, share percent NOT NULL, price numeric(6,2) NOT NULL,
           half real, day date NOT NULL, at timestamp, words text[] NOT NULL, doc jsonb NOT NULL, length int GENERATED ALWAYS AS (share * 2) STORED,
           UNIQUE (org_id, id));
         ALTER TABLE org ADD FOREIGN KEY (boss) REFERENCES person;
         CREATE TABLE friend (a bigint REFERENCES person, b bigint REFERENCES person, PRIMARY KEY (a, b));
         CREATE TABLE log (org_id int NOT NULL, person_id bigint NOT NULL, seq int NOT NULL, update bytea NOT NULL, PRIMARY KEY (person_id, seq),
           FOREIGN KEY (org_id, person_id) REFERENCES person (org_id, id));",
    );
    let project = Project::new(&[(
        "seeds/scale.toml",
        "root = \"org\"\nlanguages = [\"he\"]\n[column]\n\"person.half\" = { between = [2, 3] }\n",
    )]);
    let args = [
        "db",
        "seed",
        "--profile",
        "scale",
        "--tenants",
        "4",
        "--rows",
        "2000",
        "--url",
        &db.url(),
    ];
    let run = project.edu(&args).expect(0);
    assert!(run.says("rows written"), "{}", run.stdout);
    assert_eq!(db.one("SELECT count(*) > 0 AND bool_and(share BETWEEN 10 AND 20 AND status IN ('new', 'old') AND (half IS NULL OR half BETWEEN 2 AND 3)) FROM person"), "t");
    assert_eq!(db.one("SELECT count(*) FROM person c JOIN person p ON p.id = c.parent_id WHERE p.org_id <> c.org_id"), "0");
    assert_eq!(db.one("SELECT count(*) > 100 FROM log"), "t");
    // The sequence goes on behind the rows.
    db.run("INSERT INTO person (org_id, status, mood, share, price, day, words, doc) SELECT id, 'new', 'ok', 11, 1, now(), '{}', '{}' FROM org");
    let run = project
        .edu(&[args.as_slice(), &["--dry-run"]].concat())
        .expect(0);
    assert!(run.says("public.person"), "{}", run.stdout);
}
