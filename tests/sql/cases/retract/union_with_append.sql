-- feature: updating unions
-- about: an updating and an appending input in one aggregate
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
SELECT x, COUNT(*) AS n FROM (SELECT SUM(v) AS x FROM scores GROUP BY k UNION ALL SELECT v FROM scores) GROUP BY x;
