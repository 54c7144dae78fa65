-- One row: a label of graph $1 with what its table has. Order: by label. Privileges: SELECT on
-- ag_catalog. Lowest server version: 16. $2 is the application role, or NULL.
SELECT l.name::text AS label,
       l.kind::text AS kind,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS forced,
       ARRAY(SELECT ic.relname::text FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND i.indisvalid ORDER BY 1) AS indexes,
       EXISTS (SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
                 AND i.indkey[0] = 1 AND i.indpred IS NULL) AS unique_id,
       ARRAY(SELECT p.polname::text FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
       ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid ORDER BY 1) AS constraints,
       ARRAY(SELECT t.tgname::text FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid ORDER BY 1) AS triggers,
       COALESCE(pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT')
                AND pg_catalog.has_table_privilege(r.oid, c.oid, 'INSERT')
                AND pg_catalog.has_table_privilege(r.oid, c.oid, 'UPDATE')
                AND pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')
                AND pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE'), false) AS application_may_write
FROM ag_catalog.ag_label l
JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
JOIN pg_catalog.pg_class c ON c.oid = l.relation::pg_catalog.oid
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $2
WHERE g.name::text = $1
ORDER BY l.name::text
