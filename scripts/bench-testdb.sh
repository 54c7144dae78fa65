#!/usr/bin/env bash
# How fast test databases are: edu testdb beside bare CREATE DATABASE … TEMPLATE, beside migrating each
# database, and beside pg_restore, on one server in one run.
#
# The clone beside the bare statement on one connection: cargo test --test it testdb::speed_ -- --ignored
#
# usage: scripts/bench-testdb.sh [COUNT] [JOBS]
# EDU: the edu to measure [target/release/edu]. EDU_BENCH_URL or DATABASE_URL: a superuser's URL; without
# one the project's embedded server. On tmpfs: edu testdb run --own-server -- scripts/bench-testdb.sh
set -euo pipefail
count=${1:-100} jobs=${2:-8}
edu=${EDU:-target/release/edu}
url=${EDU_BENCH_URL:-${DATABASE_URL:-}}
if [ -z "$url" ]; then
    "$edu" server start >/dev/null 2>&1
    url=$("$edu" server url)
fi
export EDU_DATABASE_URL=$url
unset DATABASE_URL PGHOST PGPORT PGUSER PGDATABASE
at() { sed -E "s#^([a-z]+://[^/]*/)[^?]*#\1$1#" <<<"$url"; }
admin=$(at postgres)
sql() { psql -XqAt -v ON_ERROR_STOP=1 -d "$admin" -c "$1"; }
ms() { echo $(($(date +%s%N) / 1000000)); }
drop_bare() { sql "SELECT format('DROP DATABASE %I;', datname) FROM pg_database WHERE datname LIKE 'bare\_%'" | psql -Xq -d "$admin"; }
trap 'drop_bare; "$edu" testdb drop --all --quiet >/dev/null' EXIT

template=$("$edu" testdb create --template-only --quiet)
"$edu" testdb create --template-only -v 2>&1 >/dev/null | grep '^  template' || true
strategy=$("$edu" testdb list --output json --quiet | python3 -c '
import json, sys
print(next(d["strategy"] for d in json.load(sys.stdin)["databases"] if d["current"]).split(",")[0])')
echo "PostgreSQL $(sql 'SHOW server_version'), fsync $(sql 'SHOW fsync'), data in $(sql 'SHOW data_directory'), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"

told() { awk -v what="$1" -v n="$2" -v t="$3" 'BEGIN { printf "%-34s %4d databases in %7.2f s: %6.1f per second\n", what, n, t / 1000, n * 1000 / t }'; }
a=$(ms); seq "$count" | xargs -P "$jobs" -I{} psql -Xq -d "$admin" -c "CREATE DATABASE bare_{} TEMPLATE $template STRATEGY $strategy"; b=$(ms)
told "bare CREATE DATABASE, psql each" "$count" $((b - a)); drop_bare
a=$(ms); "$edu" testdb create --count "$count" --jobs "$jobs" --quiet >/dev/null; b=$(ms)
told "edu testdb create --count" "$count" $((b - a)); "$edu" testdb drop --all --quiet >/dev/null
a=$(ms); seq "$count" | xargs -P "$jobs" -I{} "$edu" testdb run --quiet -- true; b=$(ms)
told "edu testdb run, process each" "$count" $((b - a))

few=$((count / 4))
fresh() { "$edu" db bootstrap --create --quiet --url "$1" && "$edu" db migrate --quiet --url "$1" && "$edu" db seed --quiet --url "$1"; }
export -f fresh at; export edu url
a=$(ms); seq "$few" | xargs -P "$jobs" -I{} bash -c 'fresh "$(at bare_{})"' >/dev/null; b=$(ms)
told "migrated and seeded each" "$few" $((b - a)); drop_bare

one=$("$edu" testdb create --quiet)
dump=$(mktemp); pg_dump -Fc -d "$one" -f "$dump"
a=$(ms)
seq "$few" | xargs -P "$jobs" -I{} bash -c 'psql -Xq -d "$(at postgres)" -c "CREATE DATABASE bare_{} TEMPLATE template0" && pg_restore -d "$(at bare_{})" '"$dump"
b=$(ms)
told "pg_restore each" "$few" $((b - a)); rm -f "$dump"
