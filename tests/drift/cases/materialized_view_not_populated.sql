-- finds: materialized-view-not-populated | materialized view zoo.counts
REFRESH MATERIALIZED VIEW zoo.counts WITH NO DATA;
