-- feature: BOOLEAN
-- about: MIN and MAX of BOOLEAN
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
SELECT id > 6 AS late_rows, MIN(a) AS lo, MAX(b) AS hi FROM bools GROUP BY id > 6;
