#!/usr/bin/env bash
# Runs the snippets of docs/testdb.md as they stand there: Node with npm's pg, Python with pytest and psycopg, Rust
# with a crate that names this one by its folder. Fetches those packages from their registries.
#
# usage: scripts/testdb-snippets.sh [node|python|rust …]   [default: all]
# EDU: the edu to use [target/debug/edu]
set -euo pipefail
root=$PWD edu=$(realpath "${EDU:-target/debug/edu}")
work=$(mktemp -d) project=$(mktemp -d)
chmod 755 "$project"
cp -r edu.toml migrations spec graph seeds "$project"
mkdir "$work/bin" && ln -s "$edu" "$work/bin/edu"
export PATH="$work/bin:$PATH"
trap '"$edu" server reset --yes --quiet --project "$project" >/dev/null || true; rm -rf "$work" "$project"' EXIT
unset DATABASE_URL EDU_DATABASE_URL

# The first fenced block of a language.
snippet() { awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ && inside { exit } inside' "$root/docs/testdb.md"; }

node_() {
    snippet js > "$project/globalSetup.mjs"
    cat > "$project/test.mjs" <<'JS'
import pg from "pg";
import { setup } from "./globalSetup.mjs";
const teardown = await setup();
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const { rows } = await client.query("SELECT current_database() AS name, count(*)::int AS users FROM users");
await client.end();
await teardown();
if (!rows[0].name.startsWith("edu_test_") || rows[0].users === 0) throw new Error(JSON.stringify(rows));
console.log(`node: ${rows[0].users} users in ${rows[0].name}`);
JS
    (cd "$project" && npm install --no-save --no-audit --no-fund --silent pg && node test.mjs)
}

python_() {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check pytest "psycopg[binary]"
    snippet python > "$project/conftest.py"
    cat > "$project/test_users.py" <<'PY'
import psycopg

def test_users(database_url):
    with psycopg.connect(database_url) as connection:
        name, users = connection.execute("SELECT current_database(), count(*) FROM users").fetchone()
    assert name.startswith("edu_test_") and users > 0
PY
    (cd "$project" && "$work/venv/bin/pytest" -q -p no:cacheprovider test_users.py)
}

rust_() {
    mkdir -p "$project/src" "$project/tests"
    cat > "$project/Cargo.toml" <<TOML
[package]
name = "snippet"
version = "0.0.0"
edition = "2024"
[dev-dependencies]
edu = { path = "$root" }
sqlx = { version = "0.9", default-features = false, features = ["postgres", "runtime-tokio"] }
tokio = { version = "1", features = ["macros", "rt"] }
[workspace]
TOML
    # The same profiles as the repository's: what was built there is not built again.
    sed -n '/^\[profile\.dev/,/^$/p' "$root/Cargo.toml" >> "$project/Cargo.toml"
    : > "$project/src/lib.rs"
    cp "$root/Cargo.lock" "$project/Cargo.lock"
    # The one thing that a reader fills in is the name of the login, and the test itself.
    snippet rust | sed -e 's/app_login/edusphere_login/' \
        -e 's#// …#let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(\&pool).await.unwrap(); assert_eq!(one, 1);#' > "$project/tests/note.rs"
    (cd "$project" && CARGO_TARGET_DIR="$root/target" cargo test --quiet --test note)
}

for language in "${@:-node python rust}"; do
    for one in $language; do "${one}_"; done
done
"$edu" testdb list --output json --project "$project" | python3 -c '
import json, sys
left = [d["name"] for d in json.load(sys.stdin)["databases"] if not d["name"].startswith("edu_template_")]
assert not left, left
print("nothing is left over")'
