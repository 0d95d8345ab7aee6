-- feature: two-level aggregates
-- about: FILTER over an updating input
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
SELECT COUNT(*) FILTER (WHERE n > 2) AS many, SUM(s) FILTER (WHERE s < 0) AS negative, MAX(n) FILTER (WHERE s > 0) AS hi FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM scores GROUP BY k);
