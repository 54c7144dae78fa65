-- One row: an index that no constraint made and that no partition has from its parent; its keys are numbers, which the
-- reader words. The comment in which edu notes the rows that an ivfflat index was built over is no part of it.
-- Order: none. Privileges: none. Lowest server version: 16.
SELECT 'index' AS kind, i.indrelid AS relation, i.indexrelid AS number, ic.relname::text AS name, am.amname::text AS method,
       CASE WHEN i.indisunique OR ic.reloptions IS NOT NULL OR ic.reltablespace <> 0 OR NOT i.indisvalid OR NOT i.indisready
                 OR NOT i.indislive OR i.indisclustered OR i.indisreplident OR d.description IS NOT NULL
       THEN json_strip_nulls(json_build_object(
           'unique', NULLIF(i.indisunique, false),
           'options', array_to_json(ic.reloptions),
           'tablespace', CASE WHEN ic.reltablespace <> 0 THEN (SELECT spcname FROM pg_tablespace WHERE oid = ic.reltablespace) END,
           'not_valid', NULLIF(NOT i.indisvalid, false),
           'not_ready', NULLIF(NOT (i.indisready AND i.indislive), false),
           'clustered', NULLIF(i.indisclustered, false),
           'replica_identity', NULLIF(i.indisreplident, false),
           'comment', d.description))::text END AS facets,
       i.indkey::text AS columns, i.indclass::text AS classes, i.indcollation::text AS collations, i.indoption::text AS options,
       i.indnkeyatts AS keys, i.indnullsnotdistinct AS nulls_not_distinct
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid AND d.objsubid = 0
     AND d.description NOT LIKE 'edu: built over rows: %'
WHERE i.indrelid >= 16384 AND NOT ic.relispartition AND ic.relpersistence <> 't'
  AND ic.relnamespace <> 'pg_toast'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                  AND k.contype IN ('p', 'u', 'x'));
-- One row: a predicate, with the numbers of all indexes that have it.
SELECT 'predicate' AS kind, string_agg(indexrelid::text, ' ') AS numbers, indpred::text AS tree
FROM pg_index WHERE indpred IS NOT NULL AND indrelid >= 16384 GROUP BY indpred::text;
-- One row: an operator class.
SELECT 'operator class' AS kind, oc.oid AS number, oc.opcdefault, oc.opcintype,
       CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(oc.opcname) AS name
FROM pg_opclass oc JOIN pg_namespace n ON n.oid = oc.opcnamespace
