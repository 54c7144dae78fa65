CASE WHEN h.relkind <> 'r' THEN 'is not a plain table'
     WHEN h.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE h.oid IN (i.inhparent, i.inhrelid))
         THEN 'is part of another table, or another is part of it'
     WHEN pg_catalog.row_security_active(h.oid) THEN 'hides rows from this role by row-level security'
     WHEN h.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = h.oid) THEN 'has a rule'
     WHEN h.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = h.oid AND NOT t.tgisinternal
                  AND t.tgenabled IN ('O', 'A') AND t.tgtype & 2 <> 0)
         THEN 'has a trigger that can change or swallow rows' END