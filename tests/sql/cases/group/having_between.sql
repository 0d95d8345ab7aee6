-- feature: GROUP BY HAVING
-- about: groups that enter and leave the result while rows arrive
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
SELECT k, COUNT(*) AS n FROM scores GROUP BY k HAVING COUNT(*) BETWEEN 2 AND 3;
