-- feature: groups that vanish
-- about: an outer group loses all its rows and is deleted
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
SELECT s, COUNT(*) AS n FROM (SELECT k, SUM(v) AS s FROM scores GROUP BY k) GROUP BY s HAVING COUNT(*) >= 1;
