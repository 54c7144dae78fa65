-- One row, one column: a JSON array of the labels of graph $1, the two parents included, each with all
-- that its table has. $2 is the application role or NULL. Order: by label. Privileges: SELECT on
-- ag_catalog. Lowest server version: 16. Run with search_path = pg_catalog, so that expressions come out
-- in one form.
SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
  'label', l.name,
  'id', l.id,
  'kind', l.kind,
  'relation', c.relname,
  'namespace', n.nspname,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'parent', (SELECT p.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1),
  'id_default', (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                 WHERE d.adrelid = c.oid AND a.attname = 'id'),
  'columns', COALESCE((SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
  'rows', CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint ELSE COALESCE(pg_catalog.pg_relation_size(c.oid), 0) / 200 END,
  'occupied', COALESCE(pg_catalog.pg_relation_size(c.oid), 0) > 0,
  'row_security', COALESCE(c.relrowsecurity, false),
  'forced', COALESCE(c.relforcerowsecurity, false),
  'sequence_usable', COALESCE(pg_catalog.has_sequence_privilege(
      (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $2),
      (SELECT s.oid FROM pg_catalog.pg_class s
       WHERE s.relnamespace = c.relnamespace AND s.relkind = 'S' AND s.relname = l.name::text || '_id_seq'), 'USAGE'), false),
  'indexes', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', ic.relname,
        'valid', i.indisvalid AND i.indisready AND i.indislive,
        'unique', i.indisunique,
        'of_constraint', EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid),
        'using', pg_catalog.substr(d.def, pg_catalog.strpos(d.def, ' USING ') + 7)) ORDER BY ic.relname)
      FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid,
           LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS def) d
      WHERE i.indrelid = c.oid), '[]'),
  'constraints', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', k.conname,
        'kind', k.contype,
        'validated', k.convalidated,
        'inherited', NOT k.conislocal,
        'condition', COALESCE(pg_catalog.pg_get_expr(k.conbin, k.conrelid), '')) ORDER BY k.conname)
      FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f')), '[]'),
  'policies', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', p.polname,
        'command', p.polcmd,
        'permissive', p.polpermissive,
        'roles', (SELECT pg_catalog.jsonb_agg(CASE r WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r) END)
                  FROM pg_catalog.unnest(p.polroles) r),
        'using', COALESCE(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ''),
        'check', COALESCE(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')) ORDER BY p.polname)
      FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid), '[]'),
  'triggers', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'name', t.tgname,
        'enabled', t.tgenabled <> 'D',
        'function', t.tgfoid::pg_catalog.regproc::text) ORDER BY t.tgname)
      FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '[]'),
  'grants', COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'role', CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
        'privilege', a.privilege_type) ORDER BY a.grantee, a.privilege_type)
      FROM pg_catalog.aclexplode(c.relacl) a WHERE a.grantee <> c.relowner), '[]')
) ORDER BY l.name::text), '[]')::text
FROM ag_catalog.ag_label l
JOIN ag_catalog.ag_graph g ON g.graphid = l.graph
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation::pg_catalog.oid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE g.name::text = $1
