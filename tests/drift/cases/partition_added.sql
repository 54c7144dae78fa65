-- finds: table-unexpected | table zoo.log_next
CREATE TABLE zoo.log_next PARTITION OF zoo.log FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
