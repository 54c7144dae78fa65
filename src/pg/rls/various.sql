-- One row: one fact as JSON with its kind: setting (of everybody, or of a role of $2: another's session is no concern
-- of theirs), default (privileges of objects to come), publication, keyword,
-- default_call (not of a temporary table; a default, generated column or CHECK that calls a SECURITY DEFINER function), equality (a built-in btree
-- equality operator), own_equality (an operator "=" of no extension and not PostgreSQL's own), never (a CHECK that keeps
-- one value out of one column: the table, and the CHECK's tree), large_object and parameter (who was given what),
-- foreign_access (who may use which foreign server or wrapper),
-- member (one with BYPASSRLS, and the role of $2 that it is a member of), owned (a role that one of $2 is or can become, and what it owns beside
-- tables and functions), inequality (the negation of an equality, and the equality's id),
-- event_trigger (one on login, or whose function is SECURITY DEFINER), operator (one that policies use), type (its name),
-- enum_value (of a type's id),
-- extension (its version), routine (a function of PostgreSQL's own). Order: by kind and text.
-- Privileges: none beyond CONNECT. Lowest server version: 16. $1: words to look up among the keywords;
-- $2: the roles concerned.
SELECT pg_catalog.to_jsonb(x) FROM (
SELECT 'setting' AS kind, COALESCE(NULLIF(s.setrole, 0)::regrole::text, '*') AS subject, cfg AS text, 0::int8 AS oid
FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) cfg
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND (s.setrole = 0 OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = s.setrole AND r.rolname = ANY ($2)))
  -- An operator's mark on this database, which no database built from the files has.
  AND NOT (s.setrole = 0 AND cfg LIKE 'edu.protected=%')
UNION ALL
SELECT 'default', pg_catalog.concat_ws(' ', COALESCE(NULLIF(d.defaclnamespace, 0)::regnamespace::text, '*'), 'FOR ROLE', d.defaclrole::regrole),
       pg_catalog.concat_ws(' ', d.defaclobjtype, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type), 0
FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole
UNION ALL
SELECT 'publication', p.pubname, CASE WHEN pt.rowfilter IS NULL THEN 'all' ELSE 'some' END, c.oid::int8
FROM pg_catalog.pg_publication_tables pt JOIN pg_catalog.pg_publication p ON p.pubname = pt.pubname
JOIN pg_catalog.pg_namespace n ON n.nspname = pt.schemaname
JOIN pg_catalog.pg_class c ON c.relname = pt.tablename AND c.relnamespace = n.oid
UNION ALL
SELECT 'keyword', k.word, k.catcode::text, 0 FROM pg_catalog.pg_get_keywords() k WHERE k.catcode IN ('R', 'T') AND k.word = ANY ($1)
UNION ALL
SELECT DISTINCT 'default_call', p.oid::regprocedure::text,
       COALESCE(NULLIF(COALESCE(a.adrelid, k.conrelid, i.indrelid, r.partrelid), 0)::regclass::text, COALESCE(t.oid, k.contypid)::regtype::text),
       COALESCE(a.adrelid, k.conrelid, i.indrelid, r.partrelid, t.oid)::int8
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid AND p.prosecdef
LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND a.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_index i ON d.classid = 'pg_catalog.pg_class'::regclass AND i.indexrelid = d.objid
LEFT JOIN pg_catalog.pg_partitioned_table r ON d.classid = 'pg_catalog.pg_class'::regclass AND r.partrelid = d.objid
LEFT JOIN pg_catalog.pg_type t ON d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objid AND t.typtype = 'd'
WHERE COALESCE(a.adrelid, k.conrelid, i.indrelid, r.partrelid, t.oid) IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relpersistence = 't'
                  AND c.oid = COALESCE(a.adrelid, k.conrelid, i.indrelid, r.partrelid))
UNION ALL
SELECT DISTINCT 'equality', '', '', m.amopopr::int8 FROM pg_catalog.pg_amop m
WHERE m.amopmethod = 403 AND m.amopstrategy = 3 AND m.amopopr < 16384
UNION ALL
SELECT DISTINCT 'inequality', '', m.amopopr::text, o.oprnegate::int8 FROM pg_catalog.pg_amop m
JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
WHERE m.amopmethod = 403 AND m.amopstrategy = 3 AND m.amopopr < 16384 AND o.oprnegate BETWEEN 1 AND 16383
UNION ALL
SELECT 'large_object', a.grantee, a.privilege_type, l.oid::int8 FROM pg_catalog.pg_largeobject_metadata l,
LATERAL (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END AS grantee, x.privilege_type
         FROM pg_catalog.aclexplode(COALESCE(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) x) a
UNION ALL
SELECT 'parameter', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END,
       pg_catalog.concat_ws(' ', x.privilege_type, p.parname), 0
FROM pg_catalog.pg_parameter_acl p, pg_catalog.aclexplode(p.paracl) x
WHERE x.grantee = 0 OR EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($2) AND pg_catalog.pg_has_role(s.oid, NULLIF(x.grantee, 0), 'MEMBER'))
UNION ALL
SELECT 'event_trigger', t.evtname, pg_catalog.concat_ws(' ', t.evtevent, t.evtfoid::regprocedure), t.evtfoid::int8
FROM pg_catalog.pg_event_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid
WHERE (t.evtevent = 'login' OR p.prosecdef) AND t.evtenabled <> 'D'
UNION ALL
SELECT 'foreign_access', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END,
       pg_catalog.concat_ws(' ', 'FOREIGN SERVER', pg_catalog.quote_ident(s.srvname)), s.oid::int8
FROM pg_catalog.pg_foreign_server s, pg_catalog.aclexplode(s.srvacl) x
UNION ALL
SELECT 'foreign_access', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END,
       pg_catalog.concat_ws(' ', 'FOREIGN DATA WRAPPER', pg_catalog.quote_ident(w.fdwname)), w.oid::int8
FROM pg_catalog.pg_foreign_data_wrapper w, pg_catalog.aclexplode(w.fdwacl) x
UNION ALL
SELECT 'member', m.rolname, s.rolname, 0 FROM pg_catalog.pg_roles m JOIN pg_catalog.pg_roles s
     ON s.rolname = ANY ($2) AND m.oid <> s.oid AND pg_catalog.pg_has_role(m.oid, s.oid, 'MEMBER')
WHERE m.rolbypassrls AND NOT m.rolsuper
UNION ALL
-- Tables, views, sequences and functions say it themselves.
SELECT 'owned', pg_catalog.pg_get_userbyid(d.refobjid)::text, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), d.objid::int8
FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles o ON o.oid = d.refobjid
     AND EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolname = ANY ($2) AND NOT s.rolsuper AND pg_catalog.pg_has_role(s.oid, o.oid, 'MEMBER'))
WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.deptype = 'o'
  AND pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) IS NOT NULL
  AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND d.classid NOT IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_largeobject'::regclass,
                        'pg_catalog.pg_default_acl'::regclass)
  -- A type that comes with its table or array.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objid
                  AND (t.typrelid <> 0 OR t.typelem <> 0 AND t.typlen = -1))
UNION ALL
SELECT 'own_equality', '', o.oid::regoperator::text, o.oid::int8 FROM pg_catalog.pg_operator o
WHERE o.oprname = '=' AND o.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL
-- 2973 is uuid <> uuid, 531 text <> text, 518 and 411 those of int4 and int8.
SELECT 'never', k.conname, k.conbin::text, k.conrelid::int8 FROM pg_catalog.pg_constraint k
WHERE k.contype = 'c' AND k.convalidated AND pg_catalog.cardinality(k.conkey) = 1
  AND k.conbin::text ~ '^[{]OPEXPR :opno (2973|531|518|411) '
UNION ALL
SELECT DISTINCT 'operator', n.nspname, o.oid::regoperator::text, o.oid::int8
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_operator o ON o.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE d.classid = 'pg_catalog.pg_policy'::regclass AND d.refclassid = 'pg_catalog.pg_operator'::regclass
UNION ALL
SELECT 'extension', e.extname, e.extversion, 0 FROM pg_catalog.pg_extension e
UNION ALL
SELECT 'enum_value', e.enumtypid::text, e.enumlabel, e.oid::int8 FROM pg_catalog.pg_enum e
UNION ALL
SELECT 'routine', '', p.oid::regprocedure::text, p.oid::int8 FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('current_setting')
ORDER BY 1, 2, 3, 4) x
