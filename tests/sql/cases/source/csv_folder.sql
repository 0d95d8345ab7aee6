-- feature: CSV source
-- about: a folder of files
-- oracle: flink 2.3.0

CREATE TABLE parts (id INT, ts TIMESTAMP(3), k STRING, v INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/parts',
  'format' = 'csv'
);
SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(ts) AS latest FROM parts GROUP BY k;
