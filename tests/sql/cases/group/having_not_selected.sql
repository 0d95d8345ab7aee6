-- feature: GROUP BY HAVING
-- about: on an aggregate that is not selected; groups come and go
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
SELECT k, MAX(v) AS hi FROM scores GROUP BY k HAVING SUM(v) > 3;
