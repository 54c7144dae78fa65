-- One row per column of the tables $1 (schema, name), with what its foreign key refers to; ordered by table and column.
-- Needs no privilege beyond reading pg_catalog. PostgreSQL 16 and later.
SELECT n.nspname::text AS schema, c.relname::text AS "table", a.attname::text AS "column",
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       b.typname::text AS base, b.typcategory::text AS category,
       a.atttypmod AS modifier,
       a.attgenerated <> '' AS generated, a.attidentity = 'a' AS identity,
       a.attnum = ANY (p.conkey) AND pg_catalog.cardinality(p.conkey) = 1 AS alone_primary,
       f.schema AS to_schema, f.table AS to_table, f.column AS to_column
FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
-- A domain is as its base type is; a domain over a domain keeps the one below, which is enough to tell JSON from text.
JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_catalog.pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
-- The foreign key with the fewest columns says most about what the column means by itself.
LEFT JOIN LATERAL (
  SELECT fn.nspname::text AS schema, fc.relname::text AS "table", fa.attname::text AS "column"
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid
  JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
  JOIN pg_catalog.pg_attribute fa ON fa.attrelid = fc.oid
    AND fa.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
  WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
  ORDER BY pg_catalog.cardinality(k.conkey), k.conname LIMIT 1
) f ON true
WHERE c.relkind IN ('r', 'p')
ORDER BY 1, 2, a.attnum
