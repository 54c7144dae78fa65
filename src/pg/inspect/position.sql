-- One row: a sequence of $1 that fills a whole-number column which leads an index, with its
-- step. Order: by sequence. Privileges: none, but a sequence or table that the role may not
-- read, or whose rows are hidden from it, is not readable. Lowest server version: 16.
SELECT w.name AS sequence,
       pg_catalog.quote_ident(a.attname) AS column,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) AS table,
       s.seqincrement AS step,
       r.readable
FROM pg_catalog.unnest($1::text[]) AS w (name)
-- Not to_regclass: it fails for a role that may not use the schema.
JOIN (SELECT c.oid, pg_catalog.quote_ident(m.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace m ON m.oid = c.relnamespace
      WHERE c.relkind = 'S') q ON q.name = w.name
JOIN pg_catalog.pg_sequence s ON s.seqrelid = q.oid
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     AND a.atttypid IN ('int2'::pg_catalog.regtype, 'int4'::pg_catalog.regtype, 'int8'::pg_catalog.regtype)
JOIN pg_catalog.pg_class t ON t.oid = a.attrelid AND t.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')
       AND pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND NOT pg_catalog.row_security_active(t.oid) AS readable) r
WHERE EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum
              AND i.indisvalid AND i.indpred IS NULL)
ORDER BY w.name
