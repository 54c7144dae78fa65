-- One row: this database; a setting of it; a role that matters to it; a membership of such a role.
-- Order: none, the reader sorts. Privileges: none beyond CONNECT. Lowest server version: 16.
-- The database goes by the name "database": a clone, a restore and a scratch database are compared.
-- Roles are shared by the whole server. Those count that own, are granted or are named in something
-- of this database, those that edu.toml names, and whoever can become one of them or is reached from
-- one of them. The bootstrap superuser and the predefined roles are initdb's own.
WITH RECURSIVE seed AS (
    SELECT r.oid FROM pg_roles r WHERE r.rolname = ANY ({roles})
    UNION
    SELECT d.refobjid FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass
      AND (d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           OR d.classid = 'pg_database'::regclass
              AND d.objid = (SELECT oid FROM pg_database WHERE datname = current_database()))
), up AS (
    SELECT oid FROM seed
    UNION
    SELECT m.roleid FROM up JOIN pg_auth_members m ON m.member = up.oid
), down AS (
    SELECT oid FROM seed
    UNION
    SELECT m.member FROM down JOIN pg_auth_members m ON m.roleid = down.oid
), ours AS (
    SELECT r.* FROM pg_roles r
    WHERE r.oid IN (SELECT oid FROM up UNION SELECT oid FROM down) AND r.oid >= 16384
)
SELECT 'database' AS kind, NULL::text AS schema, NULL::text AS relation, 'database' AS name, '' AS suffix,
       json_strip_nulls(json_build_object(
           'encoding', pg_encoding_to_char(d.encoding),
           'collate', d.datcollate,
           'ctype', d.datctype,
           'locale_provider', d.datlocprovider::text,
           'locale', {datlocale},
           'owner', {owner d.datdba},
           'connection_limit', NULLIF(d.datconnlimit, -1),
           'grants', {grants d.datacl 'd' d.datdba},
           'comment', shobj_description(d.oid, 'pg_database')))::text AS facets
FROM pg_database d WHERE d.datname = current_database()
UNION ALL
-- Where the server does not preload AGE, edu db bootstrap lets the sessions of the database do so.
SELECT 'setting', NULL, 'database', split_part(c.item, '=', 1),
       CASE WHEN s.setrole = 0 THEN '' ELSE ' for ' || quote_ident(pg_get_userbyid(s.setrole)) END,
       json_build_object('value', substr(c.item, strpos(c.item, '=') + 1))::text
FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c (item)
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.item <> 'session_preload_libraries=age'
  -- The mark of a protected database is an operator's, as its name is: no file of the project gives it.
  AND c.item NOT LIKE 'edu.protected=%'
UNION ALL
SELECT 'role', NULL, NULL, r.rolname, '',
       json_strip_nulls(json_build_object(
           'superuser', NULLIF(r.rolsuper, false),
           'bypass_rls', NULLIF(r.rolbypassrls, false),
           'create_role', NULLIF(r.rolcreaterole, false),
           'create_database', NULLIF(r.rolcreatedb, false),
           'replication', NULLIF(r.rolreplication, false),
           'login', NULLIF(r.rolcanlogin, false),
           'no_inherit', NULLIF(NOT r.rolinherit, false),
           'connection_limit', NULLIF(r.rolconnlimit, -1),
           'valid_until', r.rolvaliduntil::text,
           'settings', (SELECT json_agg(x.item ORDER BY x.item) FROM pg_db_role_setting s
                        CROSS JOIN LATERAL unnest(s.setconfig) AS x (item)
                        WHERE s.setdatabase = 0 AND s.setrole = r.oid),
           'comment', shobj_description(r.oid, 'pg_authid')))::text
FROM ours r
UNION ALL
SELECT 'membership', NULL, member.rolname, granted.rolname, '',
       json_strip_nulls(json_build_object(
           'admin', NULLIF(bool_or(m.admin_option), false),
           'inherit', NULLIF(bool_or(m.inherit_option), false),
           'set', NULLIF(bool_or(m.set_option), false)))::text
FROM pg_auth_members m
JOIN ours member ON member.oid = m.member
JOIN pg_roles granted ON granted.oid = m.roleid
GROUP BY member.rolname, granted.rolname
