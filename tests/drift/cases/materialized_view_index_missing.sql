-- finds: index-missing | index counts_n on zoo.counts
DROP INDEX zoo.counts_n;
