#!/usr/bin/env bash
# How long edu takes for many small migrations, against one psql session with a transaction per file that
# records each file in a history. Both alternate in one run, each on a fresh database; the median counts.
#   EDU_BIN=target/release/edu scripts/bench-migrate.sh [ROUNDS]
# Needs psql, and a superuser's URL of a throw-away server in EDU_BENCH_URL, without a database:
#   EDU_BENCH_URL=postgresql://postgres@/?host=/run/postgresql
set -euo pipefail
edu=$(realpath "${EDU_BIN:-target/release/edu}")
rounds=${1:-7}
: "${EDU_BENCH_URL:?give a superuser URL of a throw-away server, with /DATABASE replaced by /%s}"
url() { printf "$EDU_BENCH_URL" "$1"; }
work=$(mktemp -d)
trap 'rm -rf "$work"; psql -qX "$(url postgres)" -c "DROP DATABASE IF EXISTS edu_bench WITH (FORCE)"' EXIT
unset DATABASE_URL EDU_DATABASE_URL PGHOST PGPORT PGDATABASE
export PGOPTIONS='-c client_min_messages=warning'

project() { # N: writes N migrations and the psql script that does the same
    rm -rf "$work/p"; mkdir -p "$work/p/migrations"
    echo 'name = "bench"' > "$work/p/edu.toml"
    {
        echo '\set ON_ERROR_STOP on'
        echo 'BEGIN;'
        echo 'CREATE TABLE history (version int8 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255));'
        echo 'COMMIT;'
    } > "$work/all.sql"
    for ((i = 1; i <= $1; i++)); do
        file=$(printf '%s/p/migrations/V%05d__step.sql' "$work" "$i")
        if ((i % 3)); then
            printf 'CREATE TABLE t%d (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);\nCREATE INDEX ON t%d (name);\n' "$i" "$i" > "$file"
        else
            printf 'ALTER TABLE t%d ADD COLUMN more int;\nCOMMENT ON TABLE t%d IS %s;\n' $((i - 1)) $((i - 1)) "'x'" > "$file"
        fi
        printf "BEGIN;\n\\\\i %s\nINSERT INTO history VALUES (%d, 'step', 'now', '1');\nCOMMIT;\n" "$file" "$i" >> "$work/all.sql"
    done
}
fresh() { psql -qX "$(url postgres)" -c 'DROP DATABASE IF EXISTS edu_bench WITH (FORCE)' -c 'CREATE DATABASE edu_bench TEMPLATE template0 STRATEGY file_copy' -c CHECKPOINT; }
ms() { # runs a command, prints its milliseconds
    local begun=$EPOCHREALTIME
    "$@" > /dev/null 2>&1 || { echo "failed: $*" >&2; "$@" >&2 || true; exit 1; }
    local ended=$EPOCHREALTIME
    echo $(((${ended/./} - ${begun/./}) / 100))
}
median() { sort -n | awk '{a[NR]=$1} END {m = (NR % 2) ? a[(NR+1)/2] : (a[NR/2]+a[NR/2+1])/2; printf "%.1f", m/10}'; }

for n in ${SIZES:-10 100 1000}; do
    project "$n"
    : > "$work/edu"; : > "$work/psql"
    r=$rounds; ((n == 1000)) && r=$(((rounds + 1) / 2))
    for ((k = 0; k < r; k++)); do
        fresh; (cd "$work/p" && ms "$edu" db migrate --quiet --url "$(url edu_bench)") >> "$work/edu"
        fresh; ms psql -qX -f "$work/all.sql" "$(url edu_bench)" >> "$work/psql"
    done
    e=$(median < "$work/edu"); p=$(median < "$work/psql")
    awk -v n="$n" -v e="$e" -v p="$p" 'BEGIN { printf "%5d migrations: edu %8.1f ms, psql %8.1f ms, ratio %.2f\n", n, e, p, e / p }'
done
# The last database has 1,000 applied.
fresh; (cd "$work/p" && "$edu" db migrate --quiet --url "$(url edu_bench)" > /dev/null)
: > "$work/nothing"; : > "$work/status"; : > "$work/connect"
for ((k = 0; k < rounds * 2; k++)); do
    (cd "$work/p" && ms "$edu" db migrate --quiet --url "$(url edu_bench)") >> "$work/nothing"
    (cd "$work/p" && ms "$edu" db status --url "$(url edu_bench)") >> "$work/status"
    ms psql -qX -c 'SELECT 1' "$(url edu_bench)" >> "$work/connect"
done
echo "1,000 applied: nothing to do $(median < "$work/nothing") ms, status $(median < "$work/status") ms (psql SELECT 1: $(median < "$work/connect") ms)"
(cd "$work/p" && /usr/bin/time -f 'memory with nothing to do: %M KiB' "$edu" db migrate --quiet --url "$(url edu_bench)" > /dev/null) 2>&1 || true
project 10000
fresh
: > "$work/start"
for ((k = 0; k < 3; k++)); do
    (cd "$work/p" && ms "$edu" db migrate --quiet --to 1 --url "$(url edu_bench)") >> "$work/start"
done
echo "10,000 files: start $(median < "$work/start") ms"
