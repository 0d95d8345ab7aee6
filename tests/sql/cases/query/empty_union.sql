-- feature: empty inputs
-- about: a union with an empty branch
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
CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, v FROM nothing UNION ALL SELECT k, v FROM scores WHERE v > 4;
