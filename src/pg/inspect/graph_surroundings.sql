-- One row, one column: JSON with everything around the graph $1 that is not one of its labels. $2 is the
-- application role or NULL, $3 the role that applications log in as or NULL, $4 the names of AGE's
-- functions that matter, $5 the name of the function that edu's vertex guard asks. Order: by name. Privileges: SELECT on ag_catalog. Lowest server version: 16.
-- Run with search_path = pg_catalog, so that expressions come out in one form.
-- What a new session of the login starts with: the setting of the nearest place that has one.
WITH started AS (
  SELECT DISTINCT ON (x.name) x.name, x.value FROM (
    SELECT pg_catalog.split_part(c, '=', 1) AS name, pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) AS value,
           (s.setdatabase <> 0)::int + 2 * (s.setrole <> 0)::int AS near
    FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $3))) x
  ORDER BY x.name, x.near DESC
)
SELECT pg_catalog.jsonb_build_object(
  'around', pg_catalog.jsonb_build_object(
    'catalog_version', COALESCE((SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'age'), '0'),
    'library_version', (SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'age'),
    'cache_function', pg_catalog.to_regprocedure('ag_catalog.age_invalidate_graph_cache()') IS NOT NULL,
    'application', EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $2),
    'superuser', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user),
    -- The setting is hidden from roles that may not read all of them.
    'preloaded', CASE WHEN pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
      THEN 'age' = ANY (pg_catalog.string_to_array(pg_catalog.replace(
             pg_catalog.current_setting('shared_preload_libraries') || ','
             || COALESCE((SELECT value FROM started WHERE name = 'session_preload_libraries'), ''), ' ', ''), ',')) END,
    'search_path', COALESCE((SELECT value FROM started WHERE name = 'search_path'),
                            (SELECT boot_val FROM pg_catalog.pg_settings WHERE name = 'search_path'))),
  'graph', (SELECT pg_catalog.jsonb_build_object(
      'oid_fits', g.graphid = g.namespace::pg_catalog.oid,
      'namespace', n.nspname,
      'owner', pg_catalog.pg_get_userbyid(n.nspowner),
      'grants', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'role', CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
            'privilege', a.privilege_type) ORDER BY 1)
          FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.grantee <> n.nspowner), '[]'),
      'default_grants', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'kind', d.defaclobjtype,
            'role', CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
            'privilege', a.privilege_type))
          FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
          WHERE d.defaclnamespace = n.oid AND d.defaclrole = n.nspowner), '[]'))
    FROM ag_catalog.ag_graph g LEFT JOIN pg_catalog.pg_namespace n ON n.oid = g.namespace::pg_catalog.oid
    WHERE g.name::text = $1),
  'labels', '[]'::jsonb,
  'strangers', COALESCE((SELECT pg_catalog.jsonb_agg(c.relname ORDER BY c.relname)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM ag_catalog.ag_label l WHERE l.relation::pg_catalog.oid = c.oid)), '[]'),
  'dangling', COALESCE((SELECT pg_catalog.jsonb_agg(x.what ORDER BY x.what) FROM (
        SELECT 'graph ' || g.name::text AS what FROM ag_catalog.ag_graph g
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = g.namespace::pg_catalog.oid)
        UNION ALL
        SELECT 'label ' || l.name::text FROM ag_catalog.ag_label l JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation::pg_catalog.oid)) x), '[]'),
  'functions', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', p.proname,
        'signature', p.oid::pg_catalog.regprocedure::text,
        'callable', COALESCE(pg_catalog.has_function_privilege(
            (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $2), p.oid, 'EXECUTE'), false),
        'leakproof', p.proleakproof) ORDER BY p.proname, p.oid)
      FROM pg_catalog.pg_proc p
      WHERE p.pronamespace = pg_catalog.to_regnamespace('ag_catalog') AND p.proname = ANY ($4::text[])), '[]'),
  'guard_function', (SELECT pg_catalog.jsonb_build_object(
        'definer', p.prosecdef,
        'bypasses', r.rolsuper OR r.rolbypassrls,
        'public', EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                          WHERE a.grantee = 0),
        'callable', COALESCE(pg_catalog.has_function_privilege(
            (SELECT a.oid FROM pg_catalog.pg_roles a WHERE a.rolname = $2), p.oid, 'EXECUTE'), false),
        'settings', COALESCE(pg_catalog.to_jsonb(p.proconfig), '[]'),
        'body', p.prosrc)
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
      WHERE p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND p.proname = $5
        AND p.pronargs = 1 AND p.proargtypes[0] = pg_catalog.to_regtype('ag_catalog.graphid')))::text
