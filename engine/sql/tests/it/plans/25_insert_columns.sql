CREATE TABLE s (n BIGINT, k STRING, d DECIMAL(20, 4), x DOUBLE) WITH ('connector' = 'print');
INSERT INTO s (k, n, d) SELECT k, a, d FROM t;
