-- One row: an object that edu finds but has no model for, so that it is named and not passed over.
-- `name` is whole. Order: none. Privileges: none. Lowest server version: 16.
SELECT 'unmodelled' AS kind, NULL::text AS schema, NULL::text AS relation, '' AS name,
       i.type || ' ' || i.identity AS suffix, '{}' AS facets
FROM (
    SELECT 'pg_opclass'::regclass AS class, oid FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typtype = 'b' AND typcategory <> 'A' OR typtype = 'p'
) o
CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) AS i
WHERE o.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = o.class AND x.objid = o.oid AND x.deptype IN ('e', 'i'))
UNION ALL
SELECT 'unmodelled', NULL, NULL, '', 'large objects (' || count(*) || ')', '{}' FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL
SELECT 'unmodelled', NULL, NULL, '', 'security labels (' || count(*) || ')', '{}' FROM pg_seclabel HAVING count(*) > 0
