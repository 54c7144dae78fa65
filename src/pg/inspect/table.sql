-- One row: a table, partitioned table or foreign table; a view; a materialized view.
-- Order: none. Privileges: none. Lowest server version: 16.
-- `uses` has the relations a view reads, for ordering only. Columns, indexes and policies count where their relation does.
SELECT 'relation' AS kind, c.oid AS number, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS what,
       n.nspname::text AS schema, c.relname::text AS name,
       CASE WHEN c.relkind <> 'r' OR c.relpersistence <> 'p' OR c.reloptions IS NOT NULL OR toast.options IS NOT NULL OR c.relreplident <> 'd'
                 OR c.relam NOT IN (0, 2) OR c.reltablespace <> 0 OR c.relispartition OR parents.names IS NOT NULL OR c.reloftype <> 0
                 OR d.description IS NOT NULL
       THEN json_strip_nulls(json_build_object(
           'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
           'options', CASE WHEN c.reloptions IS NOT NULL THEN
               (SELECT json_agg(o ORDER BY o) FROM unnest(c.reloptions) AS o) END,
           'toast_options', toast.options,
           'replica_identity', CASE WHEN c.relkind IN ('r', 'p') THEN CASE c.relreplident
               WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END END,
           'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN (SELECT amname FROM pg_am WHERE oid = c.relam) END,
           'tablespace', CASE WHEN c.reltablespace <> 0 THEN (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace) END,
           'partition_by', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
           'partition_of', CASE WHEN c.relispartition THEN
               (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid)
               || ' ' || pg_get_expr(c.relpartbound, c.oid) END,
           'inherits', parents.names,
           'of_type', NULLIF(c.reloftype, 0)::regtype::text,
           'definition', CASE WHEN c.relkind IN ('v', 'm') THEN rtrim(pg_get_viewdef(c.oid), ';') END,
           'not_populated', CASE WHEN c.relkind = 'm' THEN NULLIF(NOT c.relispopulated, false) END,
           'server', f.server,
           'server_options', f.options,
           'uses', CASE WHEN c.relkind IN ('v', 'm') THEN
               (SELECT json_agg(DISTINCT x.refobjid::regclass::text) FROM pg_rewrite w
                JOIN pg_depend x ON x.classid = 'pg_rewrite'::regclass AND x.objid = w.oid
                     AND x.refclassid = 'pg_class'::regclass AND x.refobjid <> c.oid
                WHERE w.ev_class = c.oid) END,
           'comment', d.description))::text END AS facets,
       {owner c.relowner} AS owner, g.items AS grants, c.relrowsecurity AS row_security, c.relforcerowsecurity AS forced
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT t.ftrelid, s.srvname::text AS server, array_to_json(t.ftoptions) AS options FROM pg_foreign_table t
           JOIN pg_foreign_server s ON s.oid = t.ftserver) f ON f.ftrelid = c.oid
LEFT JOIN (SELECT t.oid, json_agg(o ORDER BY o) AS options FROM pg_class t CROSS JOIN LATERAL unnest(t.reloptions) AS o
           WHERE t.relkind = 't' AND t.reloptions IS NOT NULL GROUP BY t.oid) toast ON toast.oid = c.reltoastrelid
LEFT JOIN (SELECT i.inhrelid, json_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) AS names
           FROM pg_inherits i JOIN pg_class r ON r.oid = i.inhrelid AND r.relkind IN ('r', 'f') AND NOT r.relispartition
           GROUP BY i.inhrelid) parents ON parents.inhrelid = c.oid
-- Thousands of tables have the same privileges: each list is worded once.
LEFT JOIN (SELECT s.acl, s.owner, {grants s.acl 'r' s.owner} AS items
           FROM (SELECT DISTINCT relacl AS acl, relowner AS owner FROM pg_class WHERE relacl IS NOT NULL AND oid >= 16384) s) g
       ON g.acl = c.relacl AND g.owner = c.relowner
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT (n.nspname = 'public' AND c.relname = 'refinery_schema_history')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
