-- One row is one object of the database with a checksum of its definition. Order: kind, name; each once.
-- Privileges: none beyond the catalogs. Lowest server version: 16. search_path must be empty, so that every name in a
-- definition is qualified. $1: schemas that are left out.
-- Left out too: the server's schemas, edu's own tables, members of extensions, toast tables, and indexes that stand
-- for a constraint (the constraint's definition has them).
WITH space AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'ag_catalog', 'edu')
      AND n.nspname NOT LIKE 'pg\_t%' AND n.nspname::text <> ALL ($1::text[])
), member AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), rel AS (
    SELECT c.*, pg_catalog.format('%I.%I', s.nspname, c.relname) AS title
    FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
    WHERE c.relname NOT IN ('refinery_schema_history', 'refinery_schema_history_pkey') AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
), object (kind, title, definition) AS (
    SELECT 'schema', pg_catalog.quote_ident(nspname), pg_catalog.concat_ws('|', nspowner::regrole,
        (SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text) FROM pg_catalog.unnest(nspacl) a))
    FROM space
    UNION ALL
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
        title, pg_catalog.concat_ws('|', relkind, relowner::regrole, relpersistence, relrowsecurity, relforcerowsecurity,
            pg_catalog.pg_get_partkeydef(oid), pg_catalog.pg_get_expr(relpartbound, oid), reloptions,
            CASE WHEN relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(oid) END,
            (SELECT pg_catalog.concat_ws(',', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle)
             FROM pg_catalog.pg_sequence q WHERE q.seqrelid = rel.oid),
            (SELECT pg_catalog.string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = rel.oid),
            (SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text) FROM pg_catalog.unnest(relacl) a))
    FROM rel
    UNION ALL
    SELECT 'column', rel.title || '.' || pg_catalog.quote_ident(a.attname), pg_catalog.concat_ws('|',
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
        pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attacl,
        (SELECT count(*) FROM pg_catalog.pg_attribute b
         WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND b.attnum < a.attnum AND NOT b.attisdropped))
    FROM rel JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE rel.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 'constraint', pg_catalog.quote_ident(k.conname) || ' on ' || rel.title,
        pg_catalog.concat_ws('|', pg_catalog.pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable, k.condeferred)
    FROM rel JOIN pg_catalog.pg_constraint k ON k.conrelid = rel.oid
    UNION ALL
    SELECT 'index', pg_catalog.format('%I on ', c.relname) || rel.title,
        pg_catalog.concat_ws('|', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered)
    FROM rel JOIN pg_catalog.pg_index i ON i.indrelid = rel.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = rel.oid)
    UNION ALL
    SELECT 'policy', pg_catalog.quote_ident(p.polname) || ' on ' || rel.title, pg_catalog.concat_ws('|', p.polcmd, p.polpermissive,
        (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END, ',' ORDER BY r::regrole::text)
         FROM pg_catalog.unnest(p.polroles) r),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
    FROM rel JOIN pg_catalog.pg_policy p ON p.polrelid = rel.oid
    UNION ALL
    SELECT 'trigger', pg_catalog.quote_ident(t.tgname) || ' on ' || rel.title,
        pg_catalog.concat_ws('|', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled)
    FROM rel JOIN pg_catalog.pg_trigger t ON t.tgrelid = rel.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'function', pg_catalog.format('%I.%I(%s)', s.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
        pg_catalog.concat_ws('|', p.proowner::regrole, CASE WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prokind::text END,
            (SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text) FROM pg_catalog.unnest(p.proacl) a))
    FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
    UNION ALL
    SELECT 'type', pg_catalog.format('%I.%I', s.nspname, t.typname), pg_catalog.concat_ws('|', t.typtype, t.typowner::regrole,
        (SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
        CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END, t.typnotnull, t.typdefault,
        (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid),
        (SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped))
    FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'extension', pg_catalog.quote_ident(extname), '' FROM pg_catalog.pg_extension
    UNION ALL
    SELECT 'default privileges', pg_catalog.concat_ws(' ', d.defaclrole::regrole, n.nspname, d.defaclobjtype),
        (SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text) FROM pg_catalog.unnest(d.defaclacl) a)
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
    WHERE n.nspname IS NULL OR n.nspname::text <> ALL ($1::text[])
)
SELECT kind || ' ' || title AS object, pg_catalog.md5(definition) AS checksum FROM object ORDER BY 1
