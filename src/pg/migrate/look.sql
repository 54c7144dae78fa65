-- One row: all that edu has to know of a database before it decides anything.
-- Privileges: none beyond connecting; what the role may not read is empty. Nothing is written or created.
-- Lowest server version: 16. The words in braces are replaced.
-- query_to_xml runs its text only when the branch is reached, so a table that is missing is no error.
WITH there AS (
    SELECT pg_catalog.to_regclass('public.refinery_schema_history') AS history,
           pg_catalog.to_regclass('edu.meta') AS meta,
           pg_catalog.to_regclass('edu.journal') AS journal,
           pg_catalog.to_regclass('edu.run') AS run,
           pg_catalog.to_regclass('edu.run_step') AS step,
           pg_catalog.to_regclass('edu.migration') AS memory,
           pg_catalog.to_regnamespace('edu') AS edu
), may AS (
    SELECT there.*, edu IS NOT NULL AND pg_catalog.has_schema_privilege(edu, 'USAGE') AS usage FROM there
)
SELECT pg_catalog.pg_backend_pid() AS pid,
    edu IS NOT NULL AS store,
    edu IS NULL OR usage AS readable,
    (SELECT {flaw} FROM pg_catalog.pg_class h WHERE h.oid = history) AS history_flaw,
    COALESCE((SELECT h.relhastriggers FROM pg_catalog.pg_class h WHERE h.oid = history), false) AS history_watched,
    CASE WHEN (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = history) = 'r' THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('version', version::int8, 'name', COALESCE(name::text, ''),
                'applied_on', COALESCE(applied_on::text, ''), 'checksum', COALESCE(checksum::text, '')) ORDER BY version) AS j
            FROM public.refinery_schema_history$q$, false, true, '')::text END AS history,
    CASE WHEN usage AND pg_catalog.has_table_privilege(meta, 'SELECT') THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('layout', layout, 'project', project)) AS j
            FROM edu.meta$q$, false, true, '')::text END AS meta,
    CASE WHEN usage AND pg_catalog.has_table_privilege(memory, 'SELECT') THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('version', version, 'fingerprint', fingerprint)) AS j
            FROM edu.migration$q$, false, true, '')::text END AS memory,
    CASE WHEN usage AND pg_catalog.has_table_privilege(journal, 'SELECT') THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('version', version, 'k', k, 'n', n,
                'checksum', checksum, 'statement', statement, 'done', done_at IS NOT NULL,
                'started_at', started_at) ORDER BY version, k) AS j
            FROM edu.journal$q$, false, true, '')::text END AS journal,
    CASE WHEN {steps} AND usage AND pg_catalog.has_table_privilege(step, 'SELECT') THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(pg_catalog.to_json(s)) AS j FROM (
                SELECT DISTINCT ON (s.version) s.version, s.took_ms, s.lock_wait_ms, r.who, r.login, r.host,
                       r.application, r.revision, r.dirty, s.outcome
                FROM edu.run_step s JOIN edu.run r ON r.id = s.run
                WHERE s.outcome IN ('applied', 'found') ORDER BY s.version, s.id DESC) AS s$q$, false, true, '')::text END AS steps,
    CASE WHEN usage AND pg_catalog.has_table_privilege(run, 'SELECT') THEN
        pg_catalog.query_to_xml($q$
            SELECT pg_catalog.json_agg(id) AS j FROM edu.run WHERE ended_at IS NULL$q$, false, true, '')::text END AS open_runs,
    (SELECT pg_catalog.row_to_json(h)::text FROM ({lock}) AS h) AS holder
FROM may
