-- One row: a function as JSON, with the roles of $1 that may call it. Order: by signature. Privileges: none beyond
-- CONNECT. Lowest server version: 16. Functions of extensions are listed only where they are LEAKPROOF outside
-- PostgreSQL's own, belong to Apache AGE's way past row security, reach out of the database, or a policy calls them;
-- PostgreSQL's own functions only where one that not everybody may call can be called by a role of $1.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT p.oid::int8 AS oid, n.nspname AS schema, p.proname AS name, p.oid::regprocedure::text AS signature,
       l.lanname AS language, p.provolatile::text AS volatility, p.proparallel = 's' AS parallel_safe,
       p.prosecdef OR p.prokind = 'a' AND EXISTS (
           -- An aggregate calls its functions with its owner's right to: who may call it need not be allowed to call them.
           SELECT FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc s ON s.prosecdef
           AND s.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
           WHERE a.aggfnoid = p.oid) AS definer, p.proleakproof AS leakproof, o.rolname AS owner, o.rolsuper OR o.rolbypassrls AS owner_bypasses,
       COALESCE(p.proconfig, '{}') AS settings, p.prosrc AS body, p.prosqlbody::text AS tree,
       p.prorettype = 'pg_catalog.trigger'::regtype OR p.prorettype = 'pg_catalog.event_trigger'::regtype AS trigger,
       p.prokind::text AS kind, p.proretset AS returns_set,
       ARRAY(SELECT pg_catalog.format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(t, i) ORDER BY i) AS arguments,
       COALESCE((SELECT array_agg(u.name ORDER BY u.i) FROM unnest(p.proargnames) WITH ORDINALITY u(name, i)
                 WHERE p.proargmodes IS NULL OR p.proargmodes[u.i] IN ('i', 'b', 'v')), '{}') AS argument_names,
       p.proisstrict AS strict,
       EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
               WHERE a.grantee = 0) AS public,
       COALESCE(e.extname, CASE WHEN p.oid < 16384 THEN 'PostgreSQL' END) AS extension,
       ARRAY(SELECT s.rolname FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1)
             AND pg_catalog.has_function_privilege(s.oid, p.oid, 'EXECUTE') ORDER BY 1) AS callers
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
WHERE p.oid < 16384 AND p.proacl IS NOT NULL AND p.prokind IN ('f', 'p')
      AND EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($1) AND NOT s.rolsuper
                  AND pg_catalog.has_function_privilege(s.oid, p.oid, 'EXECUTE'))
   OR p.oid >= 16384 AND n.nspname !~ '^pg_'
  AND (e.oid IS NULL OR p.proleakproof
       OR e.extname IN ('dblink', 'file_fdw', 'adminpack', 'pg_surgery', 'pageinspect', 'lo', 'plpython3u', 'plperlu', 'pltclu')
       OR e.extname = 'age' AND p.proname IN ('age_vle', 'age_shortest_path', 'age_all_shortest_paths', 'age_startnode', 'age_endnode')
       OR EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.classid = 'pg_catalog.pg_policy'::regclass
                  AND u.refclassid = 'pg_catalog.pg_proc'::regclass AND u.refobjid = p.oid))
ORDER BY p.oid::regprocedure::text) x
