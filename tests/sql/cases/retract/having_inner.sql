-- feature: two-level aggregates
-- about: HAVING below: rows leave the inner result
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
SELECT COUNT(*) AS c, SUM(s) AS s, MAX(s) AS hi FROM (SELECT k, SUM(v) AS s FROM scores GROUP BY k HAVING SUM(v) > 0);
