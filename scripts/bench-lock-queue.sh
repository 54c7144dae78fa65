#!/usr/bin/env bash
# What readers feel while an ALTER TABLE waits for a lock: edu's peek-then-lock beside a plain retry with
# lock_timeout, and beside no timeout at all. Eight readers loop; the worst time one of them took counts.
#   EDU_BIN=target/release/edu EDU_BENCH_URL=… scripts/bench-lock-queue.sh
# EDU_BENCH_URL is a superuser's URL of a throw-away server, with %s for the database. Needs psql and pgbench.
set -euo pipefail
edu=$(realpath "${EDU_BIN:-target/release/edu}")
: "${EDU_BENCH_URL:?give a superuser URL of a throw-away server, with %s for the database}"
url() { printf "$EDU_BENCH_URL" "$1"; }
db=$(url edu_queue)
work=$(mktemp -d)
trap 'rm -rf "$work"; psql -qX "$(url postgres)" -c "DROP DATABASE IF EXISTS edu_queue WITH (FORCE)"' EXIT
mkdir -p "$work/p/migrations"
echo 'name = "queue"' > "$work/p/edu.toml"
echo 'CREATE TABLE a (i int); INSERT INTO a SELECT generate_series(1, 100);' > "$work/p/migrations/V1__a.sql"
echo 'ALTER TABLE a ADD COLUMN j int;' > "$work/p/migrations/V2__j.sql"
echo 'SELECT count(*) FROM a;' > "$work/short.sql"
printf 'BEGIN;\nSELECT count(*) FROM a;\nSELECT pg_sleep(0.4);\nCOMMIT;\n' > "$work/overlap.sql"

plain_retry() { # fixed lock_timeout of $1, again and again
    for ((k = 0; k < 60; k++)); do
        psql -qX -v ON_ERROR_STOP=1 "$db" -c "SET lock_timeout = '$1'" -c 'ALTER TABLE a ADD COLUMN j int' 2> /dev/null && return 0
        sleep 0.1
    done
    return 1
}
change() {
    case $1 in
        edu) (cd "$work/p" && "$edu" db migrate --quiet --url "$db" --ddl-budget 20s > /dev/null 2>&1) ;;
        retry-*) plain_retry "${1#retry-}" ;;
        wait) psql -qX "$db" -c 'ALTER TABLE a ADD COLUMN j int' ;;
    esac
}
round() { # LOAD METHOD
    psql -qX "$(url postgres)" -c 'DROP DATABASE IF EXISTS edu_queue WITH (FORCE)' -c 'CREATE DATABASE edu_queue TEMPLATE template0' 2> /dev/null
    (cd "$work/p" && "$edu" db migrate --quiet --to 1 --url "$db" > /dev/null)
    rm -f "$work"/log.*
    local script=short
    [[ $1 == overlapping ]] && script=overlap
    (cd "$work" && pgbench -n -c 8 -T 10 -f "$script.sql" -l --log-prefix=log "$db" > /dev/null 2>&1) &
    local readers=$!
    [[ $1 == long ]] && { psql -qX "$db" -c 'BEGIN; SELECT count(*) FROM a; SELECT pg_sleep(4); COMMIT' > /dev/null & }
    sleep 1
    local begun=$EPOCHREALTIME through=yes
    change "$2" || through=no
    local took=$(((${EPOCHREALTIME/./} - ${begun/./}) / 1000))
    wait "$readers"
    awk -v load="$1" -v how="$2" -v through="$through" -v took="$took" \
        '$3 > worst { worst = $3 } END { printf "%-12s %-12s through: %-3s in %6d ms, worst read %6.0f ms\n", load, how, through, took, worst / 1000 }' "$work"/log.*
    wait
}
for load in long overlapping; do
    for how in edu retry-500ms retry-50ms wait; do round "$load" "$how"; done
done
