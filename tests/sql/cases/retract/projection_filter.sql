-- feature: updating projections
-- about: a filter that rows pass both ways
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
SELECT k, s FROM (SELECT k, SUM(v) AS s FROM scores GROUP BY k) WHERE MOD(s, 2) = 0;
