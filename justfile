# List the recipes
default:
    @just --list

# Build the image from the official postgres base, e.g. `just image-build --build-arg PG_MAJOR=18`
[group('image')]
image-build *args:
    podman build --format docker --file Dockerfile.postgres-age --tag postgres-age {{ args }} .

# Build the image on a base made from Debian packages, run it and prove it: PostgreSQL 17 or 18
[group('image')]
image-test major="17":
    scripts/image-test.sh {{ major }}

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
