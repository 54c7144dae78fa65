#!/usr/bin/env bash
# Schemas that others made and publish in packages, through edu and back: introspected, verified, made anew,
# dumped and restored. Usage: scripts/foreign-schemas.sh   (needs npm, pip, unzip, and their registries)
#   graphile-worker (npm, MIT): domains, generated columns, private tables, functions, row-level security
#   procrastinate (PyPI, MIT): enums, a composite type, partial indexes, functions, triggers
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
repo=$PWD
cd "$work"
npm pack --silent graphile-worker@0.17.3 > /dev/null
tar xzf graphile-worker-*.tgz
{
    echo 'CREATE SCHEMA graphile_worker;'
    for file in package/sql/*.sql; do
        # Each of its migrations is a transaction.
        echo 'BEGIN;'
        sed 's/:GRAPHILE_WORKER_SCHEMA/graphile_worker/g' "$file"
        echo ';COMMIT;'
    done
} > graphile.sql
pip download --quiet --no-deps --disable-pip-version-check procrastinate==3.10.0
unzip -qo procrastinate-*.whl procrastinate/sql/schema.sql
cd "$repo"
EDU_FOREIGN_SCHEMAS="$work/graphile.sql:$work/procrastinate/sql/schema.sql" \
    cargo test --test it roundtrip::schemas_of_other_peoples_making -- --ignored --nocapture
