CREATE TABLE narrow (k STRING, n BIGINT) WITH ('connector' = 'events', 'splits' = '1', 'bounded' = 'true');
CREATE TABLE one (k STRING, n BIGINT) WITH ('connector' = 'print', 'writers' = '1');
INSERT INTO one SELECT k, SUM(n) FROM narrow GROUP BY k;
