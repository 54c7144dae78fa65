-- One row: an index that no constraint made and that no partition has from its parent.
-- Order: none. Privileges: none. Lowest server version: 16.
-- `definition` has the method, keys with operator class, order and collation, INCLUDE, NULLS NOT
-- DISTINCT, parameters and predicate; the reader takes the parameters out of it. The comment in which edu notes the rows
-- that an ivfflat index was built over is no part of the definition.
SELECT 'index' AS kind, n.nspname::text AS schema, c.relname::text AS relation, ic.relname::text AS name, '' AS suffix,
       CASE WHEN i.indisunique OR ic.reloptions IS NOT NULL OR ic.reltablespace <> 0 OR NOT i.indisvalid OR NOT i.indisready
                 OR NOT i.indislive OR i.indisclustered OR i.indisreplident OR st.targets IS NOT NULL OR d.description IS NOT NULL
       THEN json_strip_nulls(json_build_object(
           'unique', NULLIF(i.indisunique, false),
           'options', array_to_json(ic.reloptions),
           'tablespace', CASE WHEN ic.reltablespace <> 0 THEN (SELECT spcname FROM pg_tablespace WHERE oid = ic.reltablespace) END,
           'not_valid', NULLIF(NOT i.indisvalid, false),
           'not_ready', NULLIF(NOT (i.indisready AND i.indislive), false),
           'clustered', NULLIF(i.indisclustered, false),
           'replica_identity', NULLIF(i.indisreplident, false),
           'statistics', st.targets,
           'comment', d.description))::text END AS facets,
       CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL AND NOT keys.special THEN
           'CREATE INDEX USING ' || am.amname || ' (' || keys.keys || ')' || COALESCE(' INCLUDE (' || keys.included || ')', '')
           || CASE WHEN i.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' ELSE '' END
       ELSE pg_get_indexdef(i.indexrelid) END AS definition
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am am ON am.oid = ic.relam
-- Most indexes are plain lists of columns. Wording those here, as pg_get_indexdef does, for all at once,
-- takes a tenth of the time. One with an operator class's own parameters is left to that function.
JOIN (SELECT x.indexrelid,
             string_agg(quote_ident(a.attname)
                 || CASE WHEN x.n > x.indnkeyatts OR x.collation = a.attcollation OR x.collation = 0 THEN '' ELSE ' COLLATE ' ||
                    (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname) FROM pg_collation co
                     JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = x.collation) END
                 || CASE WHEN oc.opcdefault AND oc.opcintype IN (a.atttypid, bt.typbasetype) THEN '' ELSE
                    ' ' || CASE WHEN on_.nspname = 'pg_catalog' THEN '' ELSE quote_ident(on_.nspname) || '.' END || quote_ident(oc.opcname) END
                 || CASE x.option WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END,
                 ', ' ORDER BY x.n) FILTER (WHERE x.n <= x.indnkeyatts) AS keys,
             string_agg(quote_ident(a.attname), ', ' ORDER BY x.n) FILTER (WHERE x.n > x.indnkeyatts) AS included,
             COALESCE(bool_or(ia.attoptions::text !~ '^.pg_attver=[0-9]+.$'), false) AS special
      FROM (SELECT i.indexrelid, i.indrelid, i.indnkeyatts, u.n, u.attnum,
                   i.indclass[u.n - 1] AS class, i.indcollation[u.n - 1] AS collation, i.indoption[u.n - 1] AS option
            FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, n)
            WHERE i.indexrelid >= 16384) x
      JOIN pg_attribute ia ON ia.attrelid = x.indexrelid AND ia.attnum = x.n
      LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.attnum
      LEFT JOIN pg_type bt ON bt.oid = a.atttypid
      LEFT JOIN pg_opclass oc ON oc.oid = x.class
      LEFT JOIN pg_namespace on_ ON on_.oid = oc.opcnamespace
      GROUP BY x.indexrelid) keys ON keys.indexrelid = i.indexrelid
LEFT JOIN (SELECT attrelid, json_agg(attnum || ': ' || attstattarget ORDER BY attnum) AS targets FROM pg_attribute
           WHERE attstattarget >= 0 AND attrelid >= 16384 GROUP BY attrelid) st ON st.attrelid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = ic.oid AND d.objsubid = 0
     AND d.description NOT LIKE 'edu: built over rows: %'
WHERE k.oid IS NULL AND NOT ic.relispartition AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')
  AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT (n.nspname = 'public' AND c.relname = 'refinery_schema_history')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
