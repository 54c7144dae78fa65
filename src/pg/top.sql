-- What goes on in a database now. One row, one column of JSON; sections are lists, the worst first.
-- $1: rows per section. Needs pg_read_all_stats (pg_monitor) to see other users' queries.
-- What was dropped since the query began has no size, and is left out. Passwords that stand in a query's text are not shown.
WITH here AS (SELECT oid, datname FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
session AS (
    SELECT a.pid, a.usename::text AS "user", a.application_name AS application, a.state, a.wait_event_type, a.wait_event,
           pg_catalog.extract('epoch', pg_catalog.clock_timestamp() - a.query_start)::float8 AS query_s,
           pg_catalog.extract('epoch', pg_catalog.clock_timestamp() - a.xact_start)::float8 AS transaction_s,
           pg_catalog.pg_blocking_pids(a.pid) AS blocked_by,
           pg_catalog.regexp_replace(pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 300),
               '(password\s+)''[^'']*(''|$)', '\1''***''', 'gi') AS query
    FROM pg_catalog.pg_stat_activity a, here
    WHERE a.datid = here.oid AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
),
taken AS (
    -- The functions that measure a relation wait for whoever has locked it: those are judged by what
    -- the planner knows.
    SELECT l.relation FROM pg_catalog.pg_locks l, here
    WHERE l.locktype = 'relation' AND l.database = here.oid AND l.mode = 'AccessExclusiveLock'
),
used AS (
    SELECT s.schemaname, s.relname, s.indexrelname, s.idx_scan,
           CASE WHEN EXISTS (SELECT FROM taken WHERE taken.relation = s.indexrelid) THEN c.relpages::int8 * 8192
                ELSE pg_catalog.pg_relation_size(s.indexrelid) END AS size_bytes, m.amname, i.indisunique, i.indisvalid,
           EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND d.objid = s.relid AND d.deptype = 'e') AS owned
    FROM pg_catalog.pg_stat_user_indexes s JOIN pg_catalog.pg_class c ON c.oid = s.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = c.relam JOIN pg_catalog.pg_index i ON i.indexrelid = s.indexrelid
)
SELECT pg_catalog.jsonb_build_object(
    'server', (SELECT pg_catalog.jsonb_build_object(
        'version', pg_catalog.current_setting('server_version'),
        'database', here.datname,
        'up_s', pg_catalog.extract('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())::float8,
        'size_bytes', pg_catalog.pg_database_size(here.oid),
        'commits', d.xact_commit, 'rollbacks', d.xact_rollback, 'deadlocks', d.deadlocks, 'temp_bytes', d.temp_bytes,
        'cache_hit', CASE WHEN d.blks_hit + d.blks_read > 0 THEN d.blks_hit::float8 / (d.blks_hit + d.blks_read) END,
        'oldest_transaction_age', (SELECT pg_catalog.max(pg_catalog.age(x.datfrozenxid)) FROM pg_catalog.pg_database x))
        FROM here JOIN pg_catalog.pg_stat_database d ON d.datid = here.oid),
    'connections', (SELECT pg_catalog.jsonb_build_object(
        'used', pg_catalog.count(*) FILTER (WHERE a.backend_type = 'client backend'),
        'limit', pg_catalog.current_setting('max_connections')::int4,
        'reserved', pg_catalog.current_setting('superuser_reserved_connections')::int4
                    + COALESCE(pg_catalog.current_setting('reserved_connections', true)::int4, 0),
        'here', pg_catalog.count(*) FILTER (WHERE a.datid = here.oid),
        'active', pg_catalog.count(*) FILTER (WHERE a.datid = here.oid AND a.state = 'active'),
        'idle_in_transaction', pg_catalog.count(*) FILTER (WHERE a.datid = here.oid AND a.state LIKE 'idle in transaction%'))
        FROM pg_catalog.pg_stat_activity a, here),
    'active', (SELECT COALESCE(pg_catalog.jsonb_agg(x), '[]') FROM (
        SELECT * FROM session WHERE state IN ('active', 'idle in transaction', 'idle in transaction (aborted)')
        ORDER BY COALESCE(CASE WHEN state = 'active' THEN query_s ELSE transaction_s END, 0) DESC, pid LIMIT $1) x),
    'blocked', (SELECT COALESCE(pg_catalog.jsonb_agg(x), '[]') FROM (
        SELECT * FROM session WHERE pg_catalog.cardinality(blocked_by) > 0 ORDER BY query_s DESC NULLS LAST, pid LIMIT $1) x),
    'indexes', (SELECT COALESCE(pg_catalog.jsonb_agg(x), '[]') FROM (
        SELECT schemaname AS schema, relname AS "table", indexrelname AS name, idx_scan AS scans, size_bytes, indisunique AS "unique", indisvalid AS valid
        -- An extension's own indexes are not the user's to drop.
        FROM used WHERE NOT owned AND size_bytes IS NOT NULL ORDER BY idx_scan, size_bytes DESC, schemaname, indexrelname LIMIT $1) x),
    'vectors', (SELECT COALESCE(pg_catalog.jsonb_agg(x), '[]') FROM (
        SELECT schemaname AS schema, relname AS "table", indexrelname AS name, amname AS method, idx_scan AS scans, size_bytes, indisvalid AS valid
        FROM used WHERE amname IN ('hnsw', 'ivfflat') AND size_bytes IS NOT NULL ORDER BY idx_scan DESC, schemaname, indexrelname LIMIT $1) x),
    'tables', (SELECT COALESCE(pg_catalog.jsonb_agg(x), '[]') FROM (SELECT * FROM (
        SELECT s.schemaname AS schema, s.relname AS name, CASE WHEN EXISTS (SELECT FROM taken WHERE taken.relation = s.relid OR taken.relation IN
                         (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = s.relid))
                    THEN (SELECT c.relpages::int8 * 8192 FROM pg_catalog.pg_class c WHERE c.oid = s.relid)
                    ELSE pg_catalog.pg_total_relation_size(s.relid) END AS size_bytes,
               s.n_live_tup AS rows, s.n_dead_tup AS dead, s.seq_scan AS seq_scans, s.idx_scan AS index_scans,
               GREATEST(s.last_vacuum, s.last_autovacuum)::text AS vacuumed, GREATEST(s.last_analyze, s.last_autoanalyze)::text AS analyzed
        FROM pg_catalog.pg_stat_user_tables s) s WHERE size_bytes IS NOT NULL ORDER BY 3 DESC, 1, 2 LIMIT $1) x)
)
