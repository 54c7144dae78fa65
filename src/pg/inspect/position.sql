-- One row: a sequence that fills a whole-number column which leads an index, with its step.
-- Order: none. Privileges: none, but a sequence or table that the role may not read, or whose rows are hidden from it,
-- is not readable. Lowest server version: 16.
SELECT 'position' AS kind, m.nspname::text AS schema, c.relname::text AS name,
       quote_ident(a.attname) AS column, quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS table,
       s.seqincrement AS step,
       has_sequence_privilege(s.seqrelid, 'SELECT') AND has_column_privilege(t.oid, a.attnum, 'SELECT')
       AND has_schema_privilege(n.oid, 'USAGE') AND NOT row_security_active(t.oid) AS readable
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace m ON m.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
JOIN pg_class t ON t.oid = a.attrelid AND t.relkind = 'r'
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE s.seqrelid >= 16384
  AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL)
