-- feature: BOOLEAN
-- about: read, compared, grouped and aggregated
-- oracle: flink 2.3.0

CREATE TABLE bools (
  id INT,
  a BOOLEAN,
  b BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bools.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT a, COUNT(*) AS n, COUNT(b) AS c, MIN(id) AS lo FROM bools GROUP BY a;
