-- One row per statement of a migration without a transaction that is not recorded as applied yet.
-- done_at is empty while the statement runs, or when nobody knows how it ended.
CREATE TABLE IF NOT EXISTS edu.journal (
    version int8 NOT NULL,
    k int4 NOT NULL,
    n int4 NOT NULL,
    checksum text NOT NULL,
    statement text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    done_at timestamptz,
    PRIMARY KEY (version, k)
)
