-- finds: statistics-target | statistics zoo.visit_stat
ALTER STATISTICS zoo.visit_stat SET STATISTICS 40;
