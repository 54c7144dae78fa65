-- One row: a check, foreign key, primary key, unique or exclusion constraint of a table. What the
-- index behind it is like is told with it. Order: none. Privileges: none. Lowest server version: 16.
-- Not here: NOT NULL (with the column), constraint triggers (with the triggers), and what a
-- partition or child has from its parent.
SELECT 'constraint' AS kind, n.nspname::text AS schema, c.relname::text AS relation, k.conname::text AS name, '' AS suffix,
       CASE WHEN NOT k.convalidated OR k.condeferrable OR s.oid IS NOT NULL OR ic.reloptions IS NOT NULL OR ic.reltablespace <> 0
                 OR NOT (i.indisvalid AND i.indisready AND i.indislive) OR i.indisclustered OR i.indisreplident
                 OR d.description IS NOT NULL OR {notenforced}
       THEN json_strip_nulls(json_build_object(
           'not_validated', NULLIF(NOT k.convalidated AND {enforced}, false),
           'not_enforced', {notenforced},
           'triggers_disabled', CASE WHEN k.contype = 'f' THEN NULLIF(s.oid IS NOT NULL, false) END,
           'deferrable', NULLIF(k.condeferrable, false),
           'deferred', NULLIF(k.condeferred, false),
           'options', CASE WHEN ic.reloptions IS NOT NULL THEN
               (SELECT json_agg(o ORDER BY o) FROM unnest(ic.reloptions) AS o) END,
           'tablespace', CASE WHEN ic.reltablespace <> 0 THEN (SELECT spcname FROM pg_tablespace WHERE oid = ic.reltablespace) END,
           'not_valid_index', NULLIF(NOT (i.indisvalid AND i.indisready AND i.indislive), false),
           'clustered', NULLIF(i.indisclustered, false),
           'replica_identity', NULLIF(i.indisreplident, false),
           'comment', d.description))::text END AS facets,
       CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key'
            WHEN 'u' THEN 'unique' ELSE 'exclusion' END AS type,
       CASE WHEN k.convalidated AND NOT k.condeferrable THEN pg_get_constraintdef(k.oid)
            ELSE regexp_replace(regexp_replace(regexp_replace(pg_get_constraintdef(k.oid),
                 '(( NOT VALID)|( NOT ENFORCED))+$', ''), ' INITIALLY DEFERRED$', ''), ' DEFERRABLE$', '') END AS definition
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid
LEFT JOIN (SELECT DISTINCT tgconstraint AS oid FROM pg_trigger WHERE tgisinternal AND tgenabled <> 'O') s ON s.oid = k.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND k.conislocal AND k.conrelid >= 16384
  AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT (n.nspname = 'public' AND c.relname = 'refinery_schema_history')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
