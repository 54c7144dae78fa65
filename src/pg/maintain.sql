-- Tables and B-trees with their size and how much of it is air, by the planner's statistics. One row a
-- relation, tables before their indexes, the largest tables first. Needs no privilege beyond the catalogs;
-- pg_stats shows widths of columns that the role may read, and without them nothing is estimated.
-- {label}: whether the table is a label of a graph, where a concurrent REINDEX corrupts silently.
-- The estimate: rows times the mean width of a row, with headers, against the pages there are.
WITH relation AS (
    SELECT c.oid, c.relkind, n.nspname, c.relname, c.relpages, c.reltuples, c.relam, COALESCE(i.indrelid, c.oid) AS of, i.indrelid,
           COALESCE((SELECT pg_catalog.split_part(o, '=', 2)::float8 FROM pg_catalog.unnest(c.reloptions) o
                     WHERE o LIKE 'fillfactor=%'), CASE c.relkind WHEN 'i' THEN 90 ELSE 100 END) / 100 AS fill,
           (SELECT pg_catalog.sum((1 - s.null_frac) * s.avg_width) FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname
                AND (s.tablename = c.relname AND s.attname = a.attname
                     OR i.indrelid IS NOT NULL AND s.tablename = t.relname AND s.attname = a.attname)
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS width,
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = COALESCE(i.indrelid, c.oid) AND d.deptype = 'e')
)
SELECT r.nspname::text AS schema, r.relname::text AS name, r.relkind = 'i' AS index, t.relname::text AS "table",
       z.size_bytes, z.total_bytes,
       COALESCE(s.n_dead_tup, 0) AS dead, COALESCE(s.n_live_tup, 0) AS rows,
       CASE WHEN r.width IS NOT NULL AND r.reltuples > 0 AND r.relpages > 0 AND (r.relkind <> 'i' OR m.amname = 'btree') THEN
           GREATEST(0, 1 - pg_catalog.ceil(r.reltuples * (r.width + 8 + CASE r.relkind WHEN 'i' THEN 8 ELSE 24 END + r.columns / 8.0)
                           / (8168 * r.fill)) / r.relpages) END::float8 AS air,
       m.amname::text AS method, i.indisvalid AS valid, i.indisexclusion AS exclusion,
       {label} AS label
FROM relation r JOIN pg_catalog.pg_class t ON t.oid = r.of
LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = r.oid LEFT JOIN pg_catalog.pg_am m ON m.oid = r.relam
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(r.oid) AS size_bytes, pg_catalog.pg_total_relation_size(r.of) AS whole_bytes,
    CASE WHEN r.relkind = 'i' THEN pg_catalog.pg_relation_size(r.oid) ELSE pg_catalog.pg_total_relation_size(r.oid) END AS total_bytes OFFSET 0) z
-- What was dropped since the query began has no size.
WHERE z.size_bytes IS NOT NULL AND z.total_bytes IS NOT NULL
ORDER BY z.whole_bytes DESC, t.relname, r.relkind = 'i', r.relname
