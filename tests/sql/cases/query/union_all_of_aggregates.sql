-- feature: UNION ALL
-- about: a union of updating branches
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
SELECT 'sum' AS what, k, SUM(v) AS x FROM scores GROUP BY k UNION ALL SELECT 'max', k, MAX(v) FROM scores GROUP BY k UNION ALL SELECT 'row', k, v FROM scores;
