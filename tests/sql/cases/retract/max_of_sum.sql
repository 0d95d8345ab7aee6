-- feature: two-level aggregates
-- about: MIN and MAX over sums that fall
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
SELECT MIN(s) AS lo, MAX(s) AS hi, COUNT(*) AS n FROM (SELECT k, SUM(v) AS s FROM scores GROUP BY k);
