-- feature: empty inputs
-- about: a global aggregate of nothing emits no row in a stream
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
SELECT COUNT(*) AS n, SUM(v) AS s FROM nothing;
