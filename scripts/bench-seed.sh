#!/usr/bin/env bash
# Compares `edu db seed --profile scale` with psql's \copy of the same rows in text form, in the same run: with \copy
# alone, and with \copy and the ANALYZE that edu does as well.
# Usage: scripts/bench-seed.sh DATABASE_URL [ROWS]   (an empty database, a superuser's URL). EDU: the edu to measure
set -euo pipefail
url=$1 rows=${2:-100000}
edu=$(realpath "${EDU:-target/release/edu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/seeds"
echo 'name = "bench"' > "$work/edu.toml"
echo 'languages = ["en", "he"]' > "$work/seeds/scale.toml"
table="CREATE TABLE item (id uuid PRIMARY KEY, n int NOT NULL, big bigint NOT NULL, title varchar(200) NOT NULL, body text NOT NULL,
  price numeric(8,2) NOT NULL, done bool NOT NULL, at timestamptz NOT NULL, doc jsonb NOT NULL, kind text NOT NULL)"
psql -qX "$url" -c "DROP TABLE IF EXISTS item" -c "$table"
seconds() { local from to; from=$(date +%s.%N); "$@" > /dev/null 2>&1; to=$(date +%s.%N); awk -v a="$from" -v b="$to" 'BEGIN { printf "%.3f", b - a }'; }
load() { (cd "$work" && "$edu" db seed --profile scale --tenants 1 --rows "$rows" --jobs "$1" --url "$url"); }
load 1 > /dev/null
psql -qX "$url" -c "\\copy item TO '$work/item.txt'"
for round in 1 2 3; do
  psql -qX "$url" -c "TRUNCATE item" -c "CHECKPOINT"
  text=$(seconds psql -qX "$url" -c "\\copy item FROM '$work/item.txt'")
  psql -qX "$url" -c "TRUNCATE item" -c "CHECKPOINT"
  whole=$(seconds psql -qX "$url" -c "\\copy item FROM '$work/item.txt'" -c "ANALYZE item")
  psql -qX "$url" -c "TRUNCATE item" -c "CHECKPOINT"
  one=$(seconds load 1)
  psql -qX "$url" -c "TRUNCATE item" -c "CHECKPOINT"
  four=$(seconds load 4)
  awk -v r="$round" -v n="$rows" -v t="$text" -v w="$whole" -v a="$one" -v b="$four" 'BEGIN {
    printf "round %d: psql \\copy %.0f rows/s, with ANALYZE %.0f; ", r, n/t, n/w
    printf "edu, 1 connection %.0f (%.2f x, %.2f x); 4 connections %.0f (%.2f x, %.2f x)\n", n/a, t/a, w/a, n/b, t/b, w/b }'
done
