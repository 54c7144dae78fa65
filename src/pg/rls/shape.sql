-- One row: a table as JSON with what a row of it needs. Order: by id. $1: the tables. Privileges: none beyond CONNECT.
-- Lowest server version: 16. Defaults are not evaluated; a domain stands for its base type plus its checks.
WITH RECURSIVE base AS (
    SELECT t.oid AS type, t.oid AS at, t.typbasetype, t.typtypmod AS typmod FROM pg_catalog.pg_type t
    UNION ALL
    SELECT b.type, t.oid, t.typbasetype, COALESCE(NULLIF(b.typmod, -1), t.typtypmod) FROM base b
    JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typbasetype <> 0
)
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT c.oid::int8 AS oid,
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
           'number', a.attnum, 'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
           'base', t.typname, 'category', t.typcategory, 'length', CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.typmod END,
           'labels', ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
           'not_null', a.attnotnull OR d.typnotnull, 'automatic', a.atthasdef OR a.attidentity <> '',
           'generated', a.attgenerated <> '',
           'keyed', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey)),
           'checks', ARRAY(SELECT pg_catalog.replace(pg_catalog.pg_get_expr(k.conbin, 0), 'VALUE', pg_catalog.quote_ident(a.attname))
                           FROM pg_catalog.pg_constraint k WHERE k.contypid = a.atttypid AND k.contype = 'c')) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
        JOIN base b ON b.type = d.oid AND b.typbasetype = 0 JOIN pg_catalog.pg_type t ON t.oid = b.at
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       ARRAY(SELECT pg_catalog.pg_get_expr(k.conbin, k.conrelid) FROM pg_catalog.pg_constraint k
             WHERE k.conrelid = c.oid AND k.contype = 'c' ORDER BY k.conname) AS checks,
       COALESCE((SELECT i.indkey::int4[] FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary), '{}') AS key,
       (SELECT p.partrelid IS NOT NULL FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid) AS partitioned,
       ARRAY(SELECT pg_catalog.pg_get_expr(ch.relpartbound, ch.oid) FROM pg_catalog.pg_inherits h
             JOIN pg_catalog.pg_class ch ON ch.oid = h.inhrelid WHERE h.inhparent = c.oid AND ch.relispartition) AS bounds
FROM pg_catalog.pg_class c WHERE c.oid::int8 = ANY ($1) ORDER BY c.oid) x
