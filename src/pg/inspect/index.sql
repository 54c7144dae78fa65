-- One row: an index that no constraint made and that no partition has from its parent.
-- Order: none. Privileges: none. Lowest server version: 16.
-- `definition` has the method, keys with operator class, order and collation, INCLUDE, NULLS NOT
-- DISTINCT, parameters and predicate; the reader takes the parameters out of it. The comment in which edu notes the rows
-- that an ivfflat index was built over is no part of the definition.
-- Most indexes are plain lists of columns. Wording those here, as pg_get_indexdef does, for all at once,
-- takes a tenth of the time. One with an operator class's own parameters, an expression, or a predicate that is broken
-- into lines is left to that function.
WITH i AS MATERIALIZED (
    SELECT i.*, n.nspname::text AS schema, c.relname::text AS relation, ic.relname::text AS name, ic.reloptions, ic.reltablespace,
           am.amname
    FROM pg_index i
    JOIN pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am am ON am.oid = ic.relam
    WHERE NOT ic.relispartition AND i.indrelid >= 16384 AND c.relkind IN ('r', 'p', 'm')
      AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
      AND NOT (n.nspname = 'public' AND c.relname = 'refinery_schema_history')
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                      AND k.contype IN ('p', 'u', 'x'))
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
-- To word a predicate the server opens the table. Predicates that say the same of columns of the same names
-- are worded once; one that names a whole row is worded for its own table.
), partial AS MATERIALIZED (
    SELECT i.indexrelid, i.indpred::text AS tree,
           CASE WHEN strpos(i.indpred::text, ':varattno 0 ') > 0 THEN i.indrelid::text || ':' ELSE
               COALESCE(string_agg(a.attname::text, ',' ORDER BY a.attnum), '') END AS scope
    FROM i
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
    LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attrelid >= 16384 AND a.attnum > 0
    WHERE i.indpred IS NOT NULL
    GROUP BY i.indexrelid, i.indrelid, i.indpred::text
), predicate AS MATERIALIZED (
    SELECT m.indexrelid, g.text
    FROM (SELECT g.all, pg_get_expr(r.indpred, r.indrelid) AS text
          FROM (SELECT min(indexrelid) AS one, array_agg(indexrelid) AS all FROM partial GROUP BY tree, scope) g
          JOIN pg_index r ON r.indexrelid = g.one) g
    CROSS JOIN LATERAL unnest(g.all) AS m (indexrelid)
), key AS (
    SELECT i.indexrelid, i.indrelid, i.indnkeyatts, i.indexprs IS NULL AS plain, ia.attnum AS n, i.indkey[ia.attnum - 1] AS attnum,
           i.indclass[ia.attnum - 1] AS class, i.indcollation[ia.attnum - 1] AS collation, i.indoption[ia.attnum - 1] AS option,
           ia.attoptions[1] NOT LIKE 'pg\_attver=%' OR ia.attoptions[2] IS NOT NULL AS special, ia.attstattarget AS target
    FROM i JOIN pg_attribute ia ON ia.attrelid = i.indexrelid
), class AS MATERIALIZED (
    SELECT oc.oid, oc.opcdefault, oc.opcintype,
           CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(oc.opcname) AS name
    FROM pg_opclass oc JOIN pg_namespace n ON n.oid = oc.opcnamespace
), keys AS (
    SELECT x.indexrelid,
           string_agg(quote_ident(a.attname)
               || CASE WHEN x.collation = a.attcollation OR x.collation = 0 THEN '' ELSE ' COLLATE ' || {collation x.collation} END
               || CASE WHEN oc.opcdefault AND (oc.opcintype IN (a.atttypid, bt.typbasetype) OR oc.opcintype = 25 AND a.atttypid = 1043
                            -- anyarray, record, anyenum, anyrange, anymultirange
                            OR oc.opcintype IN (2277, 2249, 3500, 3831, 4537)) THEN '' ELSE ' ' || oc.name END
               || CASE x.option WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END,
               ', ' ORDER BY x.n) FILTER (WHERE x.n <= x.indnkeyatts) AS keys,
           string_agg(quote_ident(a.attname), ', ' ORDER BY x.n) FILTER (WHERE x.n > x.indnkeyatts) AS included,
           bool_or(x.special) AS special, bool_and(x.plain) AS plain,
           json_agg(x.n || ': ' || x.target ORDER BY x.n) FILTER (WHERE x.target >= 0) AS targets
    FROM key x
    LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.attnum AND a.attrelid >= 16384 AND a.attnum > 0
    LEFT JOIN pg_type bt ON bt.oid = a.atttypid
    LEFT JOIN class oc ON oc.oid = x.class
    GROUP BY x.indexrelid
)
SELECT 'index' AS kind, i.schema, i.relation, i.name, '' AS suffix,
       CASE WHEN i.indisunique OR i.reloptions IS NOT NULL OR i.reltablespace <> 0 OR NOT i.indisvalid OR NOT i.indisready
                 OR NOT i.indislive OR i.indisclustered OR i.indisreplident OR keys.targets IS NOT NULL OR d.description IS NOT NULL
       THEN json_strip_nulls(json_build_object(
           'unique', NULLIF(i.indisunique, false),
           'options', array_to_json(i.reloptions),
           'tablespace', CASE WHEN i.reltablespace <> 0 THEN (SELECT spcname FROM pg_tablespace WHERE oid = i.reltablespace) END,
           'not_valid', NULLIF(NOT i.indisvalid, false),
           'not_ready', NULLIF(NOT (i.indisready AND i.indislive), false),
           'clustered', NULLIF(i.indisclustered, false),
           'replica_identity', NULLIF(i.indisreplident, false),
           'statistics', keys.targets,
           'comment', d.description))::text END AS facets,
       CASE WHEN NOT keys.special IS TRUE AND keys.plain AND (i.indpred IS NULL OR predicate.text NOT LIKE E'%\n%') THEN
           'CREATE INDEX USING ' || i.amname || ' (' || keys.keys || ')' || COALESCE(' INCLUDE (' || keys.included || ')', '')
           || CASE WHEN i.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' ELSE '' END || COALESCE(' WHERE ' || predicate.text, '')
       ELSE pg_get_indexdef(i.indexrelid) END AS definition
FROM i
LEFT JOIN keys ON keys.indexrelid = i.indexrelid
LEFT JOIN predicate ON predicate.indexrelid = i.indexrelid
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid AND d.objsubid = 0
     AND d.description NOT LIKE 'edu: built over rows: %'
