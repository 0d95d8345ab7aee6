-- feature: BYTES
-- about: grouping by bytes
-- oracle: flink 2.3.0

CREATE TABLE bin (id INT, b BYTES) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/binary.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT b, COUNT(*) AS n FROM (SELECT b FROM bin UNION ALL SELECT b FROM bin WHERE id > 2) GROUP BY b;
