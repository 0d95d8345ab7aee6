-- feature: empty inputs
-- about: no rows in, none out
-- oracle: flink 2.3.0

CREATE TABLE nothing (
  ts TIMESTAMP(3),
  k STRING,
  v INT,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/empty.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, v + 1 AS w FROM nothing WHERE v > 0;
