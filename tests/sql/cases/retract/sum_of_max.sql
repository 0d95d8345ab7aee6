-- feature: two-level aggregates
-- about: SUM and AVG over retracted MAX
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
SELECT SUM(hi) AS s, AVG(hi) AS a, COUNT(hi) AS c, COUNT(*) AS n FROM (SELECT k, MAX(v) AS hi FROM scores GROUP BY k);
