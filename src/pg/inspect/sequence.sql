-- One row: a sequence. Order: none. Privileges: none. Lowest server version: 16.
-- Whether its position is behind the data is asked apart: that reads a table.
SELECT 'sequence' AS kind, n.nspname::text AS schema, NULL::text AS relation, c.relname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'owner', {owner c.relowner},
           'grants', {grants c.relacl 's' c.relowner},
           'type', format_type(s.seqtypid, NULL),
           'start', s.seqstart, 'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
           'cycle', NULLIF(s.seqcycle, false),
           'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
           'owned_by', (SELECT x.refobjid::regclass::text || '.' || quote_ident(a.attname) FROM pg_depend x
                        JOIN pg_attribute a ON a.attrelid = x.refobjid AND a.attnum = x.refobjsubid
                        WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype IN ('a', 'i')
                          AND x.refclassid = 'pg_class'::regclass AND x.refobjsubid > 0 LIMIT 1),
           'identity', NULLIF(EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid
                        AND x.deptype = 'i'), false),
           'comment', d.description))::text AS facets
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
