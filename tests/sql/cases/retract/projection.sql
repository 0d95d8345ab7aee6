-- feature: updating projections
-- about: expressions over updating columns
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
SELECT k, n * 10 AS tens, CASE WHEN s IS NULL THEN 'none' WHEN s > 5 THEN 'large' ELSE 'small' END AS class FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM scores GROUP BY k);
