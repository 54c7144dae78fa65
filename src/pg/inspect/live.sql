-- One row is one relation that a plan asks about: named by ($1, $2), or a table of a schema in $3.
-- For an index, everything but its name is its table's. Order: schema, name. Privileges: none beyond the catalogs;
-- sizes take AccessShare on the relation. Lowest server version: 16.
-- Left out: toast tables and the server's own schemas, which no migration names.
WITH RECURSIVE wanted AS (
    SELECT * FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS w (nsp, rel)
), found AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind,
           COALESCE((SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid), c.oid) AS tab
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (EXISTS (SELECT FROM wanted w WHERE w.rel = c.relname::text AND (w.nsp IS NULL OR w.nsp = n.nspname::text))
           OR n.nspname::text = ANY ($3::text[]) AND c.relkind IN ('r', 'p', 'm'))
), tree AS (
    SELECT DISTINCT tab AS root, tab AS member FROM found
    UNION
    SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.member
), sizes AS (
    SELECT t.root,
           COALESCE(pg_catalog.sum(pg_catalog.pg_table_size(c.oid)), 0)::int8 AS bytes,
           COALESCE(pg_catalog.bool_or(pg_catalog.pg_relation_size(c.oid) > 0), false) AS has_rows,
           pg_catalog.sum(CASE WHEN c.reltuples >= 0 AND c.relpages > 0
               THEN c.reltuples / c.relpages * pg_catalog.pg_relation_size(c.oid)
                    / pg_catalog.current_setting('block_size')::int END)::int8 AS rows
    FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.member
    WHERE c.relkind IN ('r', 'm', 't')
    GROUP BY t.root
)
SELECT f.nspname::text AS schema, f.relname::text AS name, f.relkind IN ('i', 'I') AS is_index,
       COALESCE(s.bytes, 0) AS bytes, s.rows, COALESCE(s.has_rows, false) AS has_rows,
       COALESCE((SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = f.tab AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS columns,
       COALESCE((SELECT pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = f.tab AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS types,
       -- From 18 on a column may be marked while its constraint is NOT VALID: that proves nothing.
       COALESCE((SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = f.tab AND a.attnum > 0 AND NOT a.attisdropped
                   AND (a.attnotnull AND NOT EXISTS (
                            SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = f.tab AND k.contype = 'n'
                              AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated)
                        OR EXISTS (
                            SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = f.tab AND k.contype = 'c'
                              AND k.conkey = ARRAY[a.attnum] AND k.convalidated
                              AND pg_catalog.pg_get_expr(k.conbin, k.conrelid)
                                  = pg_catalog.format('(%I IS NOT NULL)', a.attname)))), '{}') AS not_null,
       pg_catalog.md5(pg_catalog.concat_ws('|', c.relkind, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity,
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                       a.attnotnull, a.attgenerated, a.attidentity, pg_catalog.pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = f.tab AND a.attnum > 0 AND NOT a.attisdropped),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated), ',' ORDER BY k.conname)
            FROM pg_catalog.pg_constraint k WHERE k.conrelid = f.tab),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid), ',' ORDER BY i.indexrelid::regclass::text)
            FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
            -- What REINDEX CONCURRENTLY builds beside another index, or left, changes nothing about the table.
            WHERE i.indrelid = f.tab AND (i.indisvalid OR x.relname !~ '_cc(new|old)[0-9]*$')),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles,
                       pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), ',' ORDER BY p.polname)
            FROM pg_catalog.pg_policy p WHERE p.polrelid = f.tab),
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled), ',' ORDER BY t.tgname)
            FROM pg_catalog.pg_trigger t WHERE t.tgrelid = f.tab AND NOT t.tgisinternal))) AS fingerprint
FROM found f
JOIN pg_catalog.pg_class c ON c.oid = f.tab
LEFT JOIN sizes s ON s.root = f.tab
ORDER BY 1, 2, 3
