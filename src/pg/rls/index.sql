-- One row: an index as JSON. Not here: what REINDEX CONCURRENTLY builds beside another index, or left; it enforces
-- nothing that the other one does not. Order: by name. Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT n.nspname AS schema, ic.relname AS name, i.indrelid::int8 AS "table", am.amname AS method,
       i.indisunique AS is_unique, i.indisexclusion AS exclusion, i.indisprimary AS is_primary, i.indisvalid AS valid,
       i.indpred IS NOT NULL AS partial, i.indkey::int4[] AS columns,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_constraint,
       CASE WHEN i.indexprs IS NOT NULL THEN pg_catalog.pg_get_expr(i.indexprs, i.indrelid) END AS expressions
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = ic.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = ic.relam
WHERE n.nspname !~ '^pg_' AND ic.relkind IN ('i', 'I') AND (i.indisvalid OR ic.relname !~ '_cc(new|old)[0-9]*$') ORDER BY n.nspname, ic.relname) x
