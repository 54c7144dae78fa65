-- One JSON text per table that may be filled: not of the system, of an extension, of the schemas $1, or a partition; by name.
-- Needs no privilege beyond reading pg_catalog. PostgreSQL 16 and later.
SELECT pg_catalog.json_build_object(
  'name', pg_catalog.format('%I.%I', n.nspname, c.relname),
  'forced', c.relrowsecurity AND c.relforcerowsecurity,
  'columns', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'base', e.typname, 'oid', e.oid::int8, 'array', b.typcategory = 'A' AND b.typelem <> 0,
      'modifier', CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
      'required', a.attnotnull OR t.typnotnull, 'default', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
      'generated', a.attgenerated <> '',
      'sequence', pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', n.nspname, c.relname), a.attname),
      'labels', coalesce((SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.oid), '[]'::json)
    ) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN b.typcategory = 'A' AND b.typelem <> 0 THEN b.typelem ELSE b.oid END
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  -- A partial unique index, or one over expressions, is left to the file's generators.
  'keys', coalesce((
    SELECT pg_catalog.json_agg(k.columns ORDER BY k.columns::text) FROM (
      SELECT (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)) AS columns
      FROM pg_catalog.pg_index i
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL) k), '[]'::json),
  'foreign', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY o.n) FROM unnest(f.conkey) WITH ORDINALITY o (attnum, n)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = o.attnum),
      'to', pg_catalog.format('%I.%I', pn.nspname, p.relname),
      'to_columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY o.n) FROM unnest(f.confkey) WITH ORDINALITY o (attnum, n)
                     JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = o.attnum)
    ) ORDER BY f.conname)
    FROM pg_catalog.pg_constraint f
    JOIN pg_catalog.pg_class p ON p.oid = f.confrelid
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0), '[]'::json),
  'checks', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('columns', x.columns, 'text', x.text) ORDER BY x.text) FROM (
      SELECT (SELECT coalesce(pg_catalog.json_agg(a.attname ORDER BY a.attnum), '[]'::json) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)) AS columns,
             pg_catalog.pg_get_constraintdef(k.oid) AS text
      FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'
      UNION ALL
      SELECT pg_catalog.json_build_array(a.attname), pg_catalog.pg_get_constraintdef(k.oid)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_constraint k ON k.contypid = a.atttypid AND k.contype = 'c'
      WHERE a.attrelid = c.oid AND a.attnum > 0) x), '[]'::json)
)::text AS described
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ag_catalog') AND n.nspname <> ALL ($1::text[])
  AND c.relname <> 'refinery_schema_history'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
