-- feature: updating unions
-- about: SELECT DISTINCT over a union of updating inputs
-- oracle: flink 2.3.0

CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT DISTINCT x FROM (SELECT SUM(v) AS x FROM scores GROUP BY k UNION ALL SELECT MAX(v) FROM scores GROUP BY k);
