-- One row: a function, procedure, window function or aggregate. Its name carries the argument types.
-- Order: none. Privileges: none. Lowest server version: 16.
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
       n.nspname::text AS schema, NULL::text AS relation, p.proname::text AS name,
       '(' || oidvectortypes(p.proargtypes) || ')' AS suffix,
       json_strip_nulls(json_build_object(
           'owner', {owner p.proowner},
           'grants', {grants p.proacl 'f' p.proowner},
           'arguments', pg_get_function_arguments(p.oid),
           'returns', pg_get_function_result(p.oid),
           'language', CASE WHEN p.prokind <> 'a' THEN l.lanname END,
           'body', CASE WHEN p.prokind <> 'a' THEN COALESCE(pg_get_function_sqlbody(p.oid), p.prosrc) END,
           'sql_body', CASE WHEN p.prosqlbody IS NOT NULL THEN true END,
           'library', encode(convert_to(p.probin, 'UTF8'), 'escape'),
           'window', CASE WHEN p.prokind = 'w' THEN true END,
           'security_definer', NULLIF(p.prosecdef, false),
           'settings', (SELECT json_agg(s ORDER BY s) FROM unnest(p.proconfig) AS s),
           'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
           'parallel', CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END,
           'leakproof', NULLIF(p.proleakproof, false),
           'strict', NULLIF(p.proisstrict, false),
           'cost', CASE WHEN p.procost <> CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END THEN p.procost::text END,
           'rows', CASE WHEN p.proretset AND p.prorows <> 1000 THEN p.prorows::text END,
           'support', NULLIF(p.prosupport::oid, 0)::regprocedure::text,
           'transition', g.aggtransfn::regprocedure::text,
           'state', format_type(NULLIF(g.aggtranstype, 0), NULL),
           'final', NULLIF(g.aggfinalfn::oid, 0)::regprocedure::text,
           'combine', NULLIF(g.aggcombinefn::oid, 0)::regprocedure::text,
           'initial', g.agginitval,
           'comment', d.description))::text AS facets
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
WHERE p.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'edu')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype IN ('e', 'i'))
