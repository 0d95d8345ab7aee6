-- feature: two-level aggregates
-- about: a filter between the levels
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
SELECT n, COUNT(*) AS c, SUM(s) AS s FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM scores GROUP BY k) WHERE s > 2 GROUP BY n;
