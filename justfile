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

# Break and rewrite the database in every known way, and see what edu db rls finds: PostgreSQL 17 or 18
[group('rls')]
rls-mutations major="17":
    EDU_TEST_MAJOR={{ major }} cargo test --test mutations -- --ignored --nocapture
