-- One row: a trigger, rule, extended statistics object or event trigger.
-- Order: none. Privileges: none. Lowest server version: 16.
-- AGE 1.8 puts its own cache trigger on every label table.
SELECT 'trigger' AS kind, n.nspname::text AS schema, c.relname::text AS relation, t.tgname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'definition', pg_get_triggerdef(t.oid),
           'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
           'comment', obj_description(t.oid, 'pg_trigger')))::text AS facets
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname <> '_age_cache_invalidate' AND c.oid >= 16384
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
UNION ALL
SELECT 'rule', n.nspname, c.relname, r.rulename, '',
       json_strip_nulls(json_build_object(
           'definition', pg_get_ruledef(r.oid),
           'enabled', CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
           'comment', obj_description(r.oid, 'pg_rewrite')))::text
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
UNION ALL
SELECT 'statistics', n.nspname, NULL, s.stxname, '',
       json_strip_nulls(json_build_object(
           'definition', pg_get_statisticsobjdef(s.oid),
           'owner', {owner s.stxowner},
           'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
           'comment', obj_description(s.oid, 'pg_statistic_ext')))::text
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.oid >= 16384 AND n.nspname <> 'edu'
UNION ALL
SELECT 'event trigger', NULL, NULL, e.evtname, '',
       json_strip_nulls(json_build_object(
           'event', e.evtevent, 'function', e.evtfoid::regprocedure::text, 'tags', array_to_json(e.evttags),
           'enabled', CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
           'owner', {owner e.evtowner}, 'comment', obj_description(e.oid, 'pg_event_trigger')))::text
FROM pg_event_trigger e
WHERE e.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_event_trigger'::regclass AND x.objid = e.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
