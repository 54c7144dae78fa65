-- One row: a trigger or a rewrite rule (no function) as JSON. Order: by table and name. Privileges: none beyond CONNECT.
-- Lowest server version: 16. A view's own rule is the view itself. Not here: those of temporary tables, which are one
-- session's own. No definition where it was dropped since the snapshot.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT t.tgrelid::int8 AS "table", t.tgname AS name, t.tgfoid::int8 AS function, t.tgenabled::text AS enabled,
       COALESCE(pg_catalog.md5(pg_catalog.pg_get_triggerdef(t.oid)), '') AS definition
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relpersistence <> 't' WHERE NOT t.tgisinternal
UNION ALL
SELECT r.ev_class::int8, r.rulename, NULL, r.ev_enabled::text, COALESCE(pg_catalog.md5(pg_catalog.pg_get_ruledef(r.oid)), '')
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN' AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
ORDER BY 1, 2) x
