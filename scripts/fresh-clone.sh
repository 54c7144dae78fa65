#!/usr/bin/env bash
# Proves the README's commands from nothing: a fresh clone of this commit, an
# empty HOME, an empty cache for edu and an empty cache of crates.
#
#   scripts/fresh-clone.sh            cargo run --release -- up
#   scripts/fresh-clone.sh --test     and then cargo test
#
# As root, the program that was built is then run once more as an ordinary user
# with an empty HOME of its own. Needs the Rust toolchain and the network; the
# only things taken from the caller are the toolchain and cargo's configuration.
# Everything is deleted at the end.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work="$(mktemp -d "${TMPDIR:-/var/tmp}/edu-fresh-XXXXXX")"
cargo_home="${CARGO_HOME:-$HOME/.cargo}" rustup_home="${RUSTUP_HOME:-$HOME/.rustup}"
stop=()

say() { printf 'fresh-clone: [%4d s] %s\n' "$SECONDS" "$*" >&2; }

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    local folder
    for folder in "${stop[@]}"; do
        [[ ! -x "$work/edu" ]] || "$work/edu" --project "$folder" server stop >/dev/null 2>&1 || true
    done
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fresh NAME: makes a place with an empty HOME and cache, and a clone in it.
fresh() {
    mkdir -p "$work/$1/home" "$work/$1/cache"
    git clone --quiet --no-hardlinks "$PWD" "$work/$1/edu"
    stop+=("$work/$1/edu")
}

# alone NAME COMMAND…: runs the command in that clone with nothing of the caller's environment.
alone() {
    local place="$work/$1"
    shift
    (cd "$place/edu" && exec env -i PATH="$PATH" HOME="$place/home" XDG_CACHE_HOME="$place/cache" \
        CARGO_NET_RETRY=8 CARGO_HOME="$work/cargo" RUSTUP_HOME="$rustup_home" CARGO_TERM_PROGRESS_WHEN=never "$@")
}

# proves NAME COMMAND…: the first run of `up`, and a second that changes nothing.
proves() {
    local name="$1" began=$SECONDS
    shift
    say "$name: $*"
    alone "$name" "$@" up
    say "$name: up from nothing took $((SECONDS - began)) s"
    began=$(date +%s%N)
    alone "$name" "$@" up
    say "$name: up again took $((($(date +%s%N) - began) / 1000000)) ms"
}

# The server's account must be able to enter what root made.
chmod 0755 "$work"
mkdir "$work/cargo"
for file in config.toml config; do
    [[ ! -f "$cargo_home/$file" ]] || cp "$cargo_home/$file" "$work/cargo/"
done
fresh caller
proves caller cargo run --release --
cp "$work/caller/edu/target/release/edu" "$work/edu"
if [[ "${1:-}" == --test ]]; then
    began=$SECONDS
    alone caller cargo test
    say "caller: cargo test took $((SECONDS - began)) s"
fi
if [[ "$(id -u)" == 0 ]]; then
    fresh ordinary
    chown -R nobody "$work/ordinary"
    proves ordinary setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups -- "$work/edu"
    setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups -- \
        env -i PATH="$PATH" HOME="$work/ordinary/home" XDG_CACHE_HOME="$work/ordinary/cache" \
        "$work/edu" --project "$work/ordinary/edu" server stop
fi
say "all passed"
