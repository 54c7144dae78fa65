#!/usr/bin/env bash
# Stand-in for the entrypoint of the official postgres image, for tests only.
#
# scripts/image-test.sh runs where no image registry can be reached, so it makes
# the base image itself. This script keeps the part of the official contract
# that the Dockerfile and its users rely on, and no more:
#
#   POSTGRES_PASSWORD[_FILE], POSTGRES_USER[_FILE], POSTGRES_DB[_FILE],
#   POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA, PGPORT;
#   a new data directory is initialised behind a server that only listens on
#   the socket; /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz} run in name order;
#   then the server takes over this process, as the user postgres.
set -Eeuo pipefail

say() { printf 'entrypoint: %s\n' "$*"; }
fail() { printf 'entrypoint: error: %s\n' "$*" >&2; exit 1; }

# setting NAME DEFAULT: takes NAME, else the contents of the file NAME_FILE
# names, else DEFAULT, and exports it.
setting() {
    local name="$1" file="${1}_FILE" value="${!1:-}"
    if [[ -n "${!file:-}" ]]; then
        [[ -z "$value" ]] || fail "$name and $file are both set"
        value="$(<"${!file}")"
    fi
    export "$name=${value:-$2}"
    unset "$file"
}

sql() {
    PGHOST='' PGHOSTADDR='' psql --no-psqlrc --no-password --quiet \
        --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"
}

initialise() {
    local auth="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" found file
    local -a initdb_args
    [[ -n "$POSTGRES_PASSWORD" || "$auth" == trust ]] || fail "POSTGRES_PASSWORD is empty"

    read -ra initdb_args <<<"${POSTGRES_INITDB_ARGS:-}"
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${initdb_args[@]}"
    printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"

    export PGPASSWORD="$POSTGRES_PASSWORD"
    pg_ctl -D "$PGDATA" -w -o "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")" start

    found="$(sql --dbname postgres --set db="$POSTGRES_DB" --tuples-only --no-align \
        <<<"SELECT 1 FROM pg_database WHERE datname = :'db';")"
    [[ -n "$found" ]] || sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'

    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sql) say "running $file"; sql --dbname "$POSTGRES_DB" --file "$file" ;;
            *.sql.gz) say "running $file"; gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
            *.sh)
                say "running $file"
                # shellcheck disable=SC1090
                if [[ -x "$file" ]]; then "$file"; else . "$file"; fi
                ;;
            *) [[ ! -e "$file" ]] || say "ignoring $file" ;;
        esac
    done

    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    say "the data directory is ready"
}

[[ "${1:-}" != -* ]] || set -- postgres "$@"
if [[ "${1:-}" != postgres ]]; then
    exec "$@"
fi

# Before the change of user: a secret's file may be readable by root alone.
setting POSTGRES_PASSWORD ''
setting POSTGRES_USER postgres
setting POSTGRES_DB "$POSTGRES_USER"
if [[ "$(id -u)" == 0 ]]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA"
    # The official image uses gosu; setpriv is what Debian's base system has.
    HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

if [[ -s "$PGDATA/PG_VERSION" ]]; then
    say "using the data directory as it is"
else
    initialise "${@:2}"
fi
exec "$@"
