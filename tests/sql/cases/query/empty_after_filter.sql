-- feature: empty inputs
-- about: groups that a filter leaves without rows, beside a group that has some
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
SELECT k, COUNT(*) AS n FROM scores WHERE v > 100 OR k = 'a' GROUP BY k;
