# List the recipes
default:
    @{{ just_executable() }} --list --unsorted

# Build the debug binary
[group('dev')]
build:
    cargo build

# All tests, on PostgreSQL 17; arguments go to cargo, for example `just test --test it bad_input`
[group('dev')]
test *args:
    cargo test {{ args }}

# The tests that need a server, on PostgreSQL 18
[group('dev')]
test-18 *args:
    EDU_TEST_MAJOR=18 cargo test --test it {{ args }}

# Warnings are errors
[group('dev')]
lint:
    cargo clippy --all-targets --locked -- -D warnings

# Format the code
[group('dev')]
fmt:
    cargo fmt

# Server, migrations, graph, indexes, seed rows: everything at once
[group('dev')]
up *args:
    cargo run -- up {{ args }}

# Build the image, e.g. `just image-build --major 18 -- --pull`
[group('image')]
image-build *args:
    cargo run -- image build {{ args }}

# Build the image on a base made from Debian packages, run it and prove it: PostgreSQL 17 or 18
[group('image')]
image-test major="17":
    scripts/image-test.sh {{ major }}

# Break and rewrite the database in every known way, and see what edu db rls finds: PostgreSQL 17 or 18
[group('rls')]
rls-mutations major="17":
    EDU_TEST_MAJOR={{ major }} cargo test --test mutations -- --ignored --nocapture

# Vector index builds: psql's defaults, hand-tuned psql and edu, and the memory estimate; docs/performance.md
[group('bench')]
bench-vectors rows="30000" rounds="1":
    cargo build --release
    EDU="$PWD/target/release/edu" scripts/bench-vectors.sh {{ rows }} {{ rounds }}
    cargo test --test it -- --ignored vectors::

# Pull the plug at every message of a migration run, for at most so many seconds
[group('reliability')]
soak seconds="600" major="17":
    EDU_SOAK_SECONDS={{ seconds }} EDU_TEST_MAJOR={{ major }} cargo test --test it soak_ -- --ignored --nocapture

# Compare edu with one psql session: needs EDU_BENCH_URL, see the script
[group('reliability')]
bench-migrate rounds="7":
    cargo build --release
    scripts/bench-migrate.sh {{ rounds }}

# What readers feel while an ALTER TABLE waits: needs EDU_BENCH_URL, see the script
[group('reliability')]
bench-lock-queue:
    cargo build --release
    scripts/bench-lock-queue.sh

# Rows generated and loaded beside psql's \copy of the same rows: an empty database's URL, a superuser's
[group('bench')]
bench-seed url rows="100000":
    cargo build --release
    scripts/bench-seed.sh {{ url }} {{ rows }}

# Schemas of other people's making, from packages, through introspect, verify, dump and restore
[group('reliability')]
foreign-schemas:
    scripts/foreign-schemas.sh

# Licences, duplicates and sources of the dependencies
[group('ci')]
deny:
    cargo deny --all-features check licenses bans sources

# Everything that must hold before a change is merged
[group('ci')]
ci:
    .ci/run

# The README's commands, from a fresh clone with an empty cache and HOME
[group('ci')]
fresh-clone *args:
    scripts/fresh-clone.sh {{ args }}

# The documentation of the library, with private items
[group('docs')]
doc:
    cargo doc --no-deps --document-private-items

# How fast the graph is: load, matches, traversals, check, as ratios within one run
[group('bench')]
bench-graph major="17":
    cargo build --release
    EDU_UNDER_TEST="$PWD/target/release/edu" EDU_TEST_MAJOR={{ major }} cargo test --test it graph::speed -- --ignored --nocapture --test-threads 1

# How fast test databases are, beside bare CREATE DATABASE, migration each and pg_restore: see the script
[group('bench')]
bench-testdb count="100" jobs="8":
    cargo build --release
    scripts/bench-testdb.sh {{ count }} {{ jobs }}
    target/release/edu testdb run --own-server -- scripts/bench-testdb.sh {{ count }} {{ jobs }}
    cargo test --test it testdb::speed_ -- --ignored --nocapture

# The snippets of docs/testdb.md for real: Rust, Node (npm's pg), Python (PyPI's psycopg); needs a network
[group('ci')]
testdb-snippets *languages:
    cargo build
    scripts/testdb-snippets.sh {{ languages }}

# Kill edu testdb run at so many random moments, and see what gc leaves: nothing
[group('reliability')]
testdb-kills count="50" major="17":
    EDU_KILLS={{ count }} EDU_TEST_MAJOR={{ major }} cargo test --test it testdb::after_a_kill -- --nocapture
