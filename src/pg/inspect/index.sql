-- One row: an index that no constraint made and that no partition has from its parent.
-- Order: none. Privileges: none. Lowest server version: 16.
-- `definition` has the method, keys with operator class, order and collation, INCLUDE, NULLS NOT
-- DISTINCT, parameters and predicate; the reader takes the parameters out of it.
SELECT 'index' AS kind, n.nspname::text AS schema, c.relname::text AS relation, ic.relname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'definition', pg_get_indexdef(i.indexrelid),
           'unique', NULLIF(i.indisunique, false),
           'options', array_to_json(ic.reloptions),
           'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = ic.reltablespace),
           'not_valid', NULLIF(NOT i.indisvalid, false),
           'not_ready', NULLIF(NOT (i.indisready AND i.indislive), false),
           'clustered', NULLIF(i.indisclustered, false),
           'replica_identity', NULLIF(i.indisreplident, false),
           'statistics', (SELECT json_agg(a.attnum || ': ' || a.attstattarget ORDER BY a.attnum) FROM pg_attribute a
                          WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0),
           'comment', d.description))::text AS facets
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = ic.oid AND d.objsubid = 0
WHERE k.oid IS NULL AND NOT ic.relispartition AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')
  AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT (n.nspname = 'public' AND c.relname = 'refinery_schema_history')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
