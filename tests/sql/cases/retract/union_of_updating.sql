-- feature: updating unions
-- about: an aggregate over a union of two updating inputs
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
SELECT what, COUNT(*) AS n, SUM(x) AS s, MIN(x) AS lo FROM (
  SELECT 'sum' AS what, SUM(v) AS x FROM scores GROUP BY k UNION ALL SELECT 'max', MAX(v) FROM scores GROUP BY k
) GROUP BY what;
