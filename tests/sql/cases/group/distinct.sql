-- feature: GROUP BY DISTINCT
-- about: COUNT, SUM, AVG, MIN and MAX of DISTINCT values
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
SELECT k, COUNT(DISTINCT v) AS c, SUM(DISTINCT v) AS s, AVG(DISTINCT v) AS a, MIN(DISTINCT v) AS lo, MAX(DISTINCT v) AS hi FROM scores GROUP BY k;
