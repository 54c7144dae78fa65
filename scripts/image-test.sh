#!/usr/bin/env bash
# Builds Dockerfile.postgres-age, starts the image and proves that it works.
#
#   scripts/image-test.sh [17|18]      17: on Debian trixie (default); 18: on forky
#
# `edu image build` builds it and `edu image check` proves the server; what only
# shows from outside the server is proved here. EDU_BIN names the edu to use;
# without it, cargo builds one.
#
# No image registry is needed: the base is a stand-in for the official postgres
# image, made from Debian packages through the mirror, the options and the key
# that this host's apt uses. See scripts/image-base.
#
# Needs root or sudo, and apt-get if podman, runc, mmdebstrap or zstd are
# missing. The images live in a private store that is deleted at the end, so the
# stand-in never becomes this machine's "postgres" image. Kept: the packages
# installed, and one base per suite in ${XDG_CACHE_HOME:-~/.cache}/edu.
# shellcheck disable=SC2016  # $(…) and $1 in single quotes are for apt and mmdebstrap
set -euo pipefail

readonly step_s_max=1200 healthy_s_max=300 still_s=10
readonly db=edu user=edu

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work='' step_pid='' container='' server_port='' PGPASSWORD=''

say() { printf 'image-test: [%3d s] %s\n' "$SECONDS" "$*" >&2; }
fail() {
    printf 'image-test: error: %s\n' "$1" >&2
    [[ -z "${2:-}" ]] || printf 'image-test: hint: %s\n' "$2" >&2
    exit 1
}

# step TEXT COMMAND…: runs a command that may be slow: its output goes to a log
# that is shown when it fails, a line appears while it lasts, and it is ended
# after step_s_max. It has its own process group, so that cleaning up reaches
# all of it.
step() {
    local text="$1" started="$SECONDS" said="$SECONDS" status=0
    shift
    say "$text"
    set -m
    "$@" >"$work/step.log" 2>&1 </dev/null &
    step_pid=$!
    set +m
    while kill -0 "$step_pid" 2>/dev/null; do
        if ((SECONDS - started >= step_s_max)); then
            tail -n 30 "$work/step.log" >&2
            fail "$text: not done after $step_s_max s"
        elif ((SECONDS - said >= still_s)); then
            say "… $((SECONDS - started)) s: $(tail -n 1 "$work/step.log" | cut -c 1-70)"
            said=$SECONDS
        fi
        sleep 0.2
    done
    wait "$step_pid" || status=$?
    step_pid=''
    return "$status"
}

# must TEXT COMMAND…: a step without which nothing further makes sense.
must() {
    step "$@" || {
        tail -n 40 "$work/step.log" >&2
        fail "$1: failed"
    }
}

clean_up() {
    local status=$? mounted
    trap - EXIT
    trap '' INT TERM HUP
    if [[ -n "$step_pid" ]]; then
        kill -TERM -- "-$step_pid" 2>/dev/null || true
        wait "$step_pid" 2>/dev/null || true
    fi
    if [[ -n "$container" ]]; then
        podman rm --force --volumes --time 5 "$container" >/dev/null 2>&1 || true
    fi
    if [[ -n "$work" ]]; then
        while read -r mounted; do
            umount "$mounted" 2>/dev/null || umount --lazy "$mounted" || true
        done < <(awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | sort -r)
        # A mount that stays would lead into the host: it is not crossed.
        rm -rf --one-file-system "$work" || status=1
    fi
    exit "$status"
}

# Before root: a sudo may know no cargo.
find_edu() {
    if [[ -z "${EDU_BIN:-}" ]]; then
        command -v cargo >/dev/null || fail "there is no cargo to build edu with" "name one: EDU_BIN=/path/to/edu"
        say "building edu"
        cargo build --quiet --locked --bin edu || fail "edu could not be built"
        EDU_BIN="${CARGO_TARGET_DIR:-$PWD/target}/debug/edu"
    fi
    EDU_BIN="$(readlink -f "$EDU_BIN" || true)"
    [[ -x "$EDU_BIN" ]] || fail "EDU_BIN names no program"
    export EDU_BIN
}

become_root() {
    [[ "$(id -u)" != 0 ]] || return 0
    command -v sudo >/dev/null ||
        fail "building and running the image needs root, and there is no sudo" "run it as root"
    say "continuing with sudo"
    exec sudo --preserve-env=EDU_BIN "$PWD/scripts/image-test.sh" "$@"
}

install_tools() {
    local -a missing=()
    local tool
    for tool in podman runc mmdebstrap zstd; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null ||
        fail "not installed and no apt-get to install it: ${missing[*]}" "install it, then run this again"
    must "apt-get update" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 update
    must "installing ${missing[*]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 install -y --no-install-recommends "${missing[@]}"
}

# lower WISH LIMIT: the wish, or the limit where that is lower.
lower() {
    if [[ "$2" == unlimited ]] || (($1 <= $2)); then printf '%s' "$1"; else printf '%s' "$2"; fi
}

# Everything podman keeps is under $work: images, containers, locks, events.
private_podman() {
    local driver=overlay nofile nproc
    [[ "$(stat --file-system --format %T "$work")" != overlayfs ]] || driver=vfs
    # podman asks for far more than a confined host may give, and then fails.
    nofile="$(lower 8192 "$(ulimit -Hn)")"
    nproc="$(lower 4096 "$(ulimit -Hu)")"
    cat >"$work/storage.conf" <<CONF
[storage]
driver = "$driver"
graphroot = "$work/store"
runroot = "$work/run"
CONF
    cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$nofile:$nofile", "nproc=$nproc:$nproc"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
static_dir = "$work/store/libpod"
volume_path = "$work/store/volumes"
tmp_dir = "$work/run/libpod"
CONF
    printf 'unqualified-search-registries = []\n' >"$work/registries.conf"
    printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$work/policy.json"
    export CONTAINERS_CONF="$work/containers.conf" CONTAINERS_STORAGE_CONF="$work/storage.conf"
    export CONTAINERS_REGISTRIES_CONF="$work/registries.conf" BUILDAH_ISOLATION=chroot
    # There may be no systemd to run health checks on a timer: wait_healthy asks.
    export DISABLE_HC_SYSTEMD=true TMPDIR="$work"
    say "$(podman --version), $(runc --version | sed -n 1p), storage $driver"
}

# The host's apt knows how to reach Debian: mirror, proxy, key, tolerance for an
# old index. All of it is asked for, nothing is guessed but Debian's default.
read_apt() {
    mirror="$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sed -n 1p)"
    security="$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian-Security' 2>/dev/null | sed -n 1p)"
    mirror="${mirror:-http://deb.debian.org/debian}"
    keyring="$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -nE 's/^Signed-By: *(\/[^ ]+) *$/\1/p; s/^deb .*signed-by=(\/[^] ]+).*/\1/p' |
        grep -m 1 debian || true)"
    [[ -r "$keyring" ]] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    apt-config dump | grep -E '^Acquire::(https?::Proxy|https?::Verify|Retries|Check-|ForceIPv)' >"$work/apt.conf" || true
    grep -q '^Acquire::Retries' "$work/apt.conf" || printf 'Acquire::Retries "5";\n' >>"$work/apt.conf"
    chmod 0644 "$work/apt.conf"
}

# Writes $rootfs: a Debian of the wanted suite with the server in it. mmdebstrap
# gets the sources on standard input; the image gets the same, with the key
# beside them, because the Dockerfile under test runs apt itself.
make_rootfs() {
    local key="/usr/share/keyrings/edu-base.${keyring##*.}"
    {
        printf 'deb %s %s main\n' "${mirror%/}" "$suite"
        [[ "$suite" == forky || -z "$security" ]] || printf 'deb %s %s-security main\n' "${security%/}" "$suite"
    } >"$work/sources.list"
    sed "s|^deb |deb [signed-by=$key] |" "$work/sources.list" >"$work/sources.image.list"
    must "making a base from Debian $suite" mmdebstrap --variant=apt --keyring="$keyring" \
        --aptopt="$work/apt.conf" --aptopt='Apt::Install-Recommends "false"' \
        --include=ca-certificates,postgresql-common \
        --customize-hook='sed -i "s/^#*create_main_cluster.*/create_main_cluster = false/" "$1/etc/postgresql-common/createcluster.conf"' \
        --customize-hook="chroot \"\$1\" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-$major" \
        --customize-hook='rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
        --customize-hook="copy-in $work/sources.image.list /etc/apt/sources.list.d" \
        --customize-hook="upload $keyring $key" \
        "$suite" "$work/rootfs.tar.zst" "$work/sources.list"
    mkdir -p "$(dirname "$rootfs")"
    rm -f "${rootfs%/*}/image-base-$suite-$major-"*
    # In two moves, so that what has the final name is always whole.
    mv "$work/rootfs.tar.zst" "$rootfs.$$"
    mv "$rootfs.$$" "$rootfs"
}

make_base() {
    local cache="${XDG_CACHE_HOME:-$HOME/.cache}/edu" recipe data=/var/lib/postgresql/data mount=/var/lib/postgresql/data
    recipe="$({ declare -f make_rootfs; printf '%s\n' "$mirror" "$security"; } | sha256sum | cut -c 1-8)"
    rootfs="$cache/image-base-$suite-$major-$(dpkg --print-architecture)-$(date +%Gw%V)-$recipe.tar.zst"
    if [[ -s "$rootfs" ]]; then
        say "using the base made earlier this week ($(du -h "$rootfs" | cut -f 1))"
    else
        make_rootfs
    fi
    must "importing the base" podman import --quiet "$rootfs" localhost/edu-image-rootfs:latest
    if ((major >= 18)); then
        data="/var/lib/postgresql/$major/docker" mount=/var/lib/postgresql
    fi
    must "giving it the layout of the official image" podman build --format docker --pull=never \
        --network host --build-arg ROOTFS=localhost/edu-image-rootfs:latest --build-arg MAJOR="$major" \
        --build-arg DATA="$data" --build-arg MOUNT="$mount" \
        --tag "$base_name" scripts/image-base
}

# build_image TAG ARGUMENT…: as a user would, but never from a registry, and
# with the host's apt options lent to the build, not left in the image.
build_image() {
    "$EDU_BIN" image build --engine podman --major "$major" --tag "$1" -- \
        --pull=never --layers --network host \
        --volume "$work/apt.conf:/etc/apt/apt.conf.d/99host:ro" "${@:2}"
}

# refuses TEXT MESSAGE ARGUMENT…: a build with these arguments must fail, and
# for the reason given.
refuses() {
    if step "$1" build_image localhost/edu-image-refused "${@:3}"; then
        fail "$1: the build passed"
    fi
    grep -qF -- "$2" "$work/step.log" || {
        tail -n 20 "$work/step.log" >&2
        fail "$1: failed, but not with \"$2\""
    }
}

free_port() {
    local port
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 10000)) # Connections get ports from 32768 on.
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s' "$port"; return 0; }
    done
    fail "found no free port on 127.0.0.1"
}

start_server() {
    server_port="$(free_port)"
    # Exported, and named without a value below: never on a command line.
    PGPASSWORD="$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')"
    export PGPASSWORD POSTGRES_PASSWORD="$PGPASSWORD"
    # Asks during initialisation what the image's health check would answer.
    cat >"$work/50-probe.sh" <<'PROBE'
pg_isready -q -p "$PGPORT" && printf 'socket ready\n' >/tmp/init-probe
pg_isready -q -h 127.0.0.1 -p "$PGPORT" || printf 'tcp not ready\n' >>/tmp/init-probe
PROBE
    say "starting it on 127.0.0.1:$server_port"
    # The host's network is shared, so loopback must ask for a password too.
    container="$(podman run --detach --network host --shm-size 256m --stop-timeout 30 \
        --volume "$work/50-probe.sh:/docker-entrypoint-initdb.d/50-probe.sh:ro" \
        --env POSTGRES_PASSWORD --env POSTGRES_USER="$user" --env POSTGRES_DB="$db" \
        --env POSTGRES_INITDB_ARGS=--auth-host=scram-sha-256 --env PGPORT="$server_port" \
        localhost/edu-image-test:latest -c listen_addresses=127.0.0.1)"
}

# Polls the image's own health check.
wait_healthy() {
    local deadline=$((SECONDS + healthy_s_max))
    until podman healthcheck run "$container" >/dev/null 2>&1; do
        if [[ "$(podman inspect --format '{{.State.Running}}' "$container")" != true ]] || ((SECONDS >= deadline)); then
            podman logs --tail 40 "$container" >&2 || true
            fail "the server did not become healthy"
        fi
        sleep 0.3
    done
    say "healthy"
}

# inside COMMAND…: runs in the container, with the password in its environment.
inside() {
    podman exec --interactive --env PGPASSWORD --env PGHOST=127.0.0.1 --env PGUSER="$user" \
        --env PGOPTIONS='-c client_min_messages=warning' "$container" "$@"
}

# sql DATABASE: runs the statements on standard input, prints bare values.
sql() {
    inside psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$1"
}

# same CLAIM WANTED FOUND
same() {
    [[ "$3" == "$2" ]] || fail "$1: wanted \"$2\", found \"$3\""
    say "ok: $1"
}

check_server() {
    local found
    "$EDU_BIN" image check --major "$major" --url "postgres://$user@127.0.0.1:$server_port/$db" >&2 ||
        fail "edu image check found the server wrong"
    sql "$db" <<<'CREATE EXTENSION vector; CREATE EXTENSION pg_stat_statements;'
    same "what is created is what is offered" "" "$(sql "$db" <<<"SELECT e.extname FROM pg_extension e
        JOIN pg_available_extensions a ON a.name = e.extname WHERE a.default_version <> e.extversion")"

    found="$(PGPASSWORD=wrong inside psql --no-psqlrc --dbname "$db" --command 'SELECT 1' 2>&1 || true)"
    [[ "$found" == *"password authentication failed"* ]] || fail "a wrong password was not refused: $found"
    say "ok: a wrong password is refused"
    check_new_databases
}

# With AGE preloaded these fail in a database that lacks the extension.
check_new_databases() {
    local name
    sql "$db" <<<'CREATE DATABASE image_new;'
    for name in image_new postgres; do
        sql "$name" <<'SQL'
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (b);
CREATE VIEW v AS SELECT a FROM t;
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE SEQUENCE q;
CREATE SCHEMA s;
DROP MATERIALIZED VIEW m;
DROP VIEW v;
DROP INDEX i;
DROP SEQUENCE q;
DROP SCHEMA s;
TRUNCATE t;
ALTER TABLE t ALTER COLUMN b TYPE bigint;
ALTER TABLE t DROP COLUMN b;
VACUUM FULL t;
CREATE TEMP TABLE w (a int) ON COMMIT DROP;
CREATE EXTENSION pg_stat_statements;
DROP EXTENSION pg_stat_statements;
DROP TABLE t;
SQL
    done
    same "template0 is untouched: a database from it has no AGE" 0 "$(
        sql "$db" <<<'CREATE DATABASE image_bare TEMPLATE template0;'
        sql image_bare <<<"SELECT count(*) FROM pg_extension WHERE extname = 'age'")"
    say "ok: ordinary DDL works in new databases and in postgres"
}

check_image() {
    local listed
    same "the health check is in the image" true "$(podman image inspect --format '{{if .HealthCheck}}true{{end}}' localhost/edu-image-test:latest)"
    same "the image has a title, licences and a version" "postgres-age|PostgreSQL AND Apache-2.0|test" "$(podman image inspect --format \
        '{{index .Labels "org.opencontainers.image.title"}}|{{index .Labels "org.opencontainers.image.licenses"}}|{{index .Labels "org.opencontainers.image.version"}}' \
        localhost/edu-image-test:latest)"
    same "during initialisation the server was reachable by socket alone" $'socket ready\ntcp not ready' "$(inside cat /tmp/init-probe)"
    listed="$(inside sh -c 'ls /var/lib/apt/lists; cat /etc/apt/apt.conf.d/99host; command -v gcc make || true')"
    same "no package lists, host settings or compilers are left in it" "" "$listed"
}

check_restart() {
    sql "$db" <<<'CREATE TABLE image_kept AS SELECT generate_series(1, 2000);'
    say "stopping and starting it"
    podman stop "$container" >/dev/null
    same "the server shuts down by itself when asked to stop" 0 "$(podman inspect --format '{{.State.ExitCode}}' "$container")"
    podman start "$container" >/dev/null
    wait_healthy
    same "the data survive a restart" 2000 "$(sql "$db" <<<'SELECT count(*) FROM image_kept')"
}

main() {
    readonly major="${1:-17}"
    case "$major" in
        17) readonly suite=trixie age_min=1.5.0 pgvector_min=0.8.0 ;;
        18) readonly suite=forky age_min=1.8.0 pgvector_min=0.8.4 ;;
        *) fail "no Debian suite is known for PostgreSQL $major" "scripts/image-test.sh 17, or 18" ;;
    esac
    # What the Dockerfile asks for when it is told the major alone.
    readonly base_name="docker.io/library/postgres:$major-trixie"
    find_edu
    become_root "$@"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    work="$(mktemp -d "${TMPDIR:-/var/tmp}/edu-image-XXXXXX")"
    chmod 0755 "$work"

    install_tools
    private_podman
    read_apt
    make_base
    must "building the image" build_image localhost/edu-image-test:latest \
        --build-arg VERSION=test --build-arg AGE_MIN="$age_min" --build-arg PGVECTOR_MIN="$pgvector_min"
    refuses "building it with an AGE that does not exist yet: must fail" "wanted at least 99" --build-arg AGE_MIN=99
    refuses "building it for another major than the base's: must fail" "PG_MAJOR asks for 16" \
        --build-arg PG_MAJOR=16 --build-arg BASE="$base_name"
    start_server
    wait_healthy
    check_server
    check_image
    check_restart
    say "all passed; store $(du -sh "$work/store" | cut -f 1)"
}

main "$@"
