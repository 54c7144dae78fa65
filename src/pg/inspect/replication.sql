-- One row: a publication, subscription, foreign-data wrapper, foreign server or user mapping.
-- Order: none. Privileges: none; a subscription's connection text and a mapping's options are never
-- read, they hold passwords. Lowest server version: 16.
SELECT 'publication' AS kind, NULL::text AS schema, NULL::text AS relation, p.pubname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'owner', {owner p.pubowner},
           'all_tables', NULLIF(p.puballtables, false),
           'publishes', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
           'via_root', NULLIF(p.pubviaroot, false),
           'tables', (SELECT json_agg(t.item ORDER BY t.item) FROM (
               SELECT r.prrelid::regclass::text
                   || COALESCE(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')', '')
                   || COALESCE(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '') AS item
               FROM pg_publication_rel r WHERE r.prpubid = p.oid) t),
           'schemas', (SELECT json_agg(n.nspname ORDER BY n.nspname) FROM pg_publication_namespace r
                       JOIN pg_namespace n ON n.oid = r.pnnspid WHERE r.pnpubid = p.oid),
           'comment', obj_description(p.oid, 'pg_publication')))::text AS facets
FROM pg_publication p
UNION ALL
SELECT 'subscription', NULL, NULL, s.subname, '',
       json_strip_nulls(json_build_object(
           'owner', {owner s.subowner}, 'disabled', NULLIF(NOT s.subenabled, false), 'slot', s.subslotname,
           'publications', array_to_json(s.subpublications)))::text
FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
SELECT 'foreign-data wrapper', NULL, NULL, w.fdwname, '',
       json_strip_nulls(json_build_object(
           'owner', {owner w.fdwowner}, 'grants', {grants w.fdwacl 'F' w.fdwowner},
           'handler', NULLIF(w.fdwhandler, 0)::regprocedure::text, 'validator', NULLIF(w.fdwvalidator, 0)::regprocedure::text,
           'comment', obj_description(w.oid, 'pg_foreign_data_wrapper')))::text
FROM pg_foreign_data_wrapper w
WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_foreign_data_wrapper'::regclass AND x.objid = w.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
UNION ALL
SELECT 'foreign server', NULL, NULL, s.srvname, '',
       json_strip_nulls(json_build_object(
           'owner', {owner s.srvowner}, 'grants', {grants s.srvacl 'S' s.srvowner},
           'wrapper', w.fdwname, 'type', s.srvtype, 'version', s.srvversion,
           'options', (SELECT json_agg(o ORDER BY o) FROM unnest(s.srvoptions) AS o),
           'comment', obj_description(s.oid, 'pg_foreign_server')))::text
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
UNION ALL
SELECT 'user mapping', NULL, u.srvname, CASE u.umuser WHEN 0 THEN 'public' ELSE u.usename::text END, '', '{}'
FROM pg_user_mappings u
