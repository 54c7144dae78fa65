#!/bin/sh
# Builds the same vector indexes naively (psql, the server's defaults), hand-tuned (psql) and with edu,
# one after the other on one server of its own, and prints times and ratios. docs/performance.md
# explains them.
#
#   scripts/bench-vectors.sh [ROWS [ROUNDS]]      default: 30000 rows, 1 round
#
# TABLES chooses what is built alone (default: "inline toasted"; empty: only the three together).
# EDU names the binary (default: edu), PSQL the client (default: psql), MAJOR the server (default: 17).
set -eu

rows=${1:-30000}
rounds=${2:-1}
edu=${EDU:-edu}
psql=${PSQL:-psql}
major=${MAJOR:-17}
folder=$(mktemp -d)
cd "$folder"
mkdir spec
printf 'name = "bench"\n[server]\nmajor = %s\n' "$major" > edu.toml
trap 'cd "$folder" && "$edu" server stop --quiet >/dev/null 2>&1; "$edu" server reset --yes --quiet >/dev/null 2>&1; rm -rf "$folder"' EXIT

"$edu" server start --quiet >/dev/null
url=$("$edu" server url --quiet)
"$edu" db bootstrap --create --quiet --url "$url" >/dev/null

sql() { PGOPTIONS='-c client_min_messages=warning' "$psql" -X -q -v ON_ERROR_STOP=1 -d "$url" "$@"; }

# Normalised vectors in a hundred clusters: as an embedding model gives them. One table stores them out
# of line, as PostgreSQL does with 768 dimensions; one in line; three are a third as large.
sql <<SQL
CREATE EXTENSION IF NOT EXISTS vector;
DO \$\$ BEGIN PERFORM setseed(0.5); END \$\$;
CREATE TABLE centre AS SELECT i, ARRAY(SELECT random() - 0.5 FROM generate_series(1, 768) g WHERE g > i - i)::vector AS v
    FROM generate_series(1, 100) i;
CREATE TABLE noise AS SELECT i, ARRAY(SELECT (random() - 0.5) / 2 FROM generate_series(1, 768) g WHERE g > i - i)::vector AS v
    FROM generate_series(1, ($rows + 99) / 100) i;
CREATE TABLE toasted (id int PRIMARY KEY, e vector(768));
CREATE TABLE inline (id int PRIMARY KEY, e vector(768));
ALTER TABLE inline ALTER COLUMN e SET STORAGE PLAIN;
INSERT INTO toasted SELECT row_number() OVER (ORDER BY md5((c.i * 1000003 + n.i)::text)), l2_normalize(c.v + n.v) FROM centre c, noise n;
INSERT INTO inline SELECT * FROM toasted;
CREATE TABLE third_a AS SELECT * FROM toasted WHERE id % 3 = 0;
CREATE TABLE third_b AS SELECT * FROM toasted WHERE id % 3 = 1;
CREATE TABLE third_c AS SELECT * FROM toasted WHERE id % 3 = 2;
VACUUM ANALYZE;
CHECKPOINT;
SQL

for table in toasted inline third_a third_b third_c; do
    printf '[[index]]\nname = "%s_e"\ntable = "public.%s"\ncolumn = "e"\nmethod = "hnsw"\nopclass = "vector_cosine_ops"\nm = 16\nef_construction = 200\n\n' "$table" "$table"
done > spec/vectors.toml

create() { printf 'CREATE INDEX CONCURRENTLY %s_e ON %s USING hnsw (e vector_cosine_ops) WITH (m = 16, ef_construction = 200)' "$1" "$1"; }
drop() { for table in "$@"; do sql -c "DROP INDEX IF EXISTS ${table}_e"; done; sql -c CHECKPOINT; }
now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

naive() { begun=$(now); sql -c "$(create "$1")"; since "$begun"; }
tuned() {
    workers=$(($(nproc) - 1))
    sql -c "ALTER TABLE $1 SET (parallel_workers = $workers)"
    begun=$(now)
    sql -c "SET maintenance_work_mem = '1GB'" -c "SET max_parallel_maintenance_workers = $workers" -c "$(create "$1")"
    since "$begun"
    sql -c "ALTER TABLE $1 RESET (parallel_workers)"
}
ours() {
    only=; for table in "$@"; do only="$only --only ${table}_e"; done
    begun=$(now)
    # shellcheck disable=SC2086
    "$edu" db index $only --url "$url" > edu.out 2> "edu.$1.log"
    since "$begun"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for table in ${TABLES-inline toasted}; do
        drop $table; a=$(naive $table)
        drop $table; b=$(ours $table)
        drop $table; c=$(tuned $table)
        printf '%-8s %s rows: naive %s s, edu %s s, hand-tuned %s s; naive/edu %s, edu/hand-tuned %s\n' \
            "$table" "$rows" "$a" "$b" "$c" "$(ratio "$a" "$b")" "$(ratio "$b" "$c")"
        sed -n 's/^/    /p' "edu.$table.log" | grep -E 'wanted|left' || true
    done
    drop third_a third_b third_c
    all=$(now); for table in third_a third_b third_c; do tuned $table > /dev/null; done; a=$(since "$all")
    drop third_a third_b third_c; b=$(ours third_a third_b third_c)
    printf 'three tables: hand-tuned one after the other %s s, edu %s s; edu/hand-tuned %s\n' "$a" "$b" "$(ratio "$b" "$a")"
done
