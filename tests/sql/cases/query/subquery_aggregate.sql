-- feature: subqueries in FROM
-- about: an aggregate of a projection of a union
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
SELECT k, SUM(w) AS s FROM (SELECT k, v * 2 AS w FROM scores WHERE v > 0 UNION ALL SELECT k, v FROM scores WHERE v < 0) AS u GROUP BY k;
