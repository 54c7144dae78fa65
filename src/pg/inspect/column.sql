-- One row: a column of a relation; of an index only where it has a statistics target or parameters of its operator
-- class. `listed` says whether it is told by itself: one of a view only where it has a comment, privileges or a default.
-- What most columns have stands in columns of its own, the rest in `facets`. Order: none. Privileges: none. Lowest server version: 16.
-- From 18 on NOT NULL is a constraint of its own; it is told with its column on every version.
-- pg_attver is no option that anybody chose: minor releases such as 17.12 stamp every column they make
-- with a number that is another one each time, and their pg_dump keeps it apart from the options.
SELECT 'column' AS kind, a.attrelid AS relation, a.attnum AS number, a.attname::text AS name,
       c.relkind IN ('r', 'p', 'f') OR a.attacl IS NOT NULL OR d.description IS NOT NULL OR a.atthasdef AS listed,
       CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' OR a.attcollation <> t.typcollation OR a.attstorage <> t.typstorage
                 OR a.attcompression <> '' OR a.attstattarget >= 0 OR a.attacl IS NOT NULL OR a.attfdwoptions IS NOT NULL
                 OR NOT a.attislocal OR d.description IS NOT NULL OR {notnullstate} IS NOT NULL
                 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' OR a.attoptions[2] IS NOT NULL
       THEN json_strip_nulls(json_build_object(
           'not_null_state', {notnullstate},
           'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
           'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN {collation a.attcollation} END,
           'storage', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage
               WHEN 'p' THEN 'plain' WHEN 'm' THEN 'main' WHEN 'e' THEN 'external' ELSE 'extended' END END,
           'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
           'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
           'options', CASE WHEN a.attoptions IS NOT NULL THEN
               (SELECT json_agg(o ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o !~ '^pg_attver=') END,
           'server_options', array_to_json(a.attfdwoptions),
           'grants', CASE WHEN a.attacl IS NOT NULL THEN {grants a.attacl 'c' c.relowner} END,
           'inherited', NULLIF(NOT a.attislocal, false),
           'comment', d.description))::text END AS facets,
       a.atttypid AS type_number, t.typbasetype AS base_number, a.attcollation AS collation_number,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null,
       -- Only what a generated column computes names columns; to word the others the server need not open the table.
       CASE WHEN a.atthasdef THEN pg_get_expr(e.adbin, CASE WHEN a.attgenerated <> '' THEN e.adrelid ELSE 0::oid END) END AS "default"
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
{notnulljoin}
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I') AND c.oid >= 16384 AND c.relpersistence <> 't'
  AND (c.relkind NOT IN ('i', 'I') OR a.attstattarget >= 0 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' OR a.attoptions[2] IS NOT NULL)
