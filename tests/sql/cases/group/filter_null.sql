-- feature: GROUP BY FILTER
-- about: a condition that is unknown does not count
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
SELECT k, COUNT(*) FILTER (WHERE v > 1) AS a, COUNT(*) FILTER (WHERE NOT v > 1) AS b, COUNT(*) AS n FROM scores GROUP BY k;
