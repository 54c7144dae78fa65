-- One row: an enum, domain, composite or range type; a collation; a cast; an operator of ours.
-- Order: none. Privileges: none. Lowest server version: 16.
-- Row types of tables, array types and multirange types come with what they belong to.
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' ELSE 'range' END AS kind,
       n.nspname::text AS schema, NULL::text AS relation, t.typname::text AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'owner', {owner t.typowner},
           'grants', {grants t.typacl 'T' t.typowner},
           'values', CASE WHEN t.typtype = 'e' THEN
               (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) END,
           'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           'not_null', CASE WHEN t.typtype = 'd' THEN NULLIF(t.typnotnull, false) END,
           'default', CASE WHEN t.typtype = 'd' THEN t.typdefault END,
           'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN {collation t.typcollation} END,
           'constraints', (SELECT json_agg(quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) ORDER BY k.conname)
                           FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
           'attributes', CASE WHEN t.typtype = 'c' THEN
               (SELECT json_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                                || CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || {collation a.attcollation} ELSE '' END
                                ORDER BY a.attnum)
                FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
           'definition', CASE WHEN t.typtype = 'r' THEN
               (SELECT 'subtype = ' || format_type(r.rngsubtype, NULL)
                       || CASE WHEN r.rngsubdiff <> 0 THEN ', subtype_diff = ' || r.rngsubdiff::regproc::text ELSE '' END
                       || CASE WHEN r.rngcanonical <> 0 THEN ', canonical = ' || r.rngcanonical::regproc::text ELSE '' END
                FROM pg_range r WHERE r.rngtypid = t.oid) END,
           'comment', obj_description(t.oid, 'pg_type')))::text AS facets
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
  AND t.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'edu'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
UNION ALL
SELECT 'collation', n.nspname, NULL, c.collname, '',
       json_strip_nulls(json_build_object(
           'provider', c.collprovider::text, 'collate', c.collcollate, 'ctype', c.collctype,
           'locale', {colllocale}, 'rules', c.collicurules,
           'not_deterministic', NULLIF(NOT c.collisdeterministic, false),
           'owner', {owner c.collowner}, 'comment', obj_description(c.oid, 'pg_collation')))::text
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.oid >= 16384 AND n.nspname <> 'edu' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_collation'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
UNION ALL
SELECT 'cast', NULL, NULL, '', '(' || format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) || ')',
       json_strip_nulls(json_build_object(
           'function', NULLIF(c.castfunc, 0)::regprocedure::text, 'context', c.castcontext::text, 'method', c.castmethod::text,
           'comment', obj_description(c.oid, 'pg_cast')))::text
FROM pg_cast c
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_cast'::regclass AND x.objid = c.oid AND x.deptype IN ('e', 'i'))
UNION ALL
SELECT 'operator', n.nspname, NULL, '', o.oprname || '(' || COALESCE(NULLIF(o.oprleft, 0)::regtype::text, 'NONE')
       || ', ' || COALESCE(NULLIF(o.oprright, 0)::regtype::text, 'NONE') || ')',
       json_strip_nulls(json_build_object(
           'function', NULLIF(o.oprcode::oid, 0)::regprocedure::text, 'commutator', NULLIF(o.oprcom, 0)::regoperator::text,
           'negator', NULLIF(o.oprnegate, 0)::regoperator::text, 'restrict', NULLIF(o.oprrest::oid, 0)::regprocedure::text,
           'join', NULLIF(o.oprjoin::oid, 0)::regprocedure::text,
           'hashes', NULLIF(o.oprcanhash, false), 'merges', NULLIF(o.oprcanmerge, false),
           'owner', {owner o.oprowner}, 'comment', obj_description(o.oid, 'pg_operator')))::text
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'edu'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_operator'::regclass AND x.objid = o.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')
