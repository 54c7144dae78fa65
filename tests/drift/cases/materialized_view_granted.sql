-- finds: materialized-view-grants | materialized view zoo.counts
GRANT SELECT ON zoo.counts TO edusphere_app;
