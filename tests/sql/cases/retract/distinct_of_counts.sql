-- feature: two-level aggregates
-- about: COUNT DISTINCT over an updating input
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
SELECT COUNT(DISTINCT n) AS c, SUM(DISTINCT n) AS s FROM (SELECT k, COUNT(*) AS n FROM scores GROUP BY k);
