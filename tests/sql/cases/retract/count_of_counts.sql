-- feature: two-level aggregates
-- about: how many groups have each count
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
SELECT n, COUNT(*) AS groups_with FROM (SELECT k, COUNT(*) AS n FROM scores GROUP BY k) GROUP BY n;
