-- finds: index-missing | index log_day on zoo.log
DROP INDEX zoo.log_day;
