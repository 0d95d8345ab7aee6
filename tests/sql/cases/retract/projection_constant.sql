-- feature: updating projections
-- about: an update that changes nothing that is selected
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
SELECT k, n > 0 AS any_row FROM (SELECT k, COUNT(*) AS n FROM scores GROUP BY k);
