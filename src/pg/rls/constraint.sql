-- One row: a foreign key as JSON. Not here: those of temporary tables, which are one session's own. Order: by table and name. Privileges: none beyond CONNECT. Lowest server version: 16.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT k.conname AS name, k.conrelid::int8 AS "table", k.confrelid::int8 AS target,
       k.conkey::int4[] AS columns, k.confkey::int4[] AS target_columns, k.conparentid <> 0 AS inherited,
       k.confdeltype::text AS on_delete, k.condeferrable AS deferrable, k.convalidated AS validated,
       NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A')) AS enabled
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND c.relpersistence <> 't' ORDER BY c.relnamespace::regnamespace::text, c.relname, k.conname) x
