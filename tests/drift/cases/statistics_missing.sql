-- finds: statistics-missing | statistics zoo.visit_stat
DROP STATISTICS zoo.visit_stat;
