-- feature: late rows
-- about: legacy group windows drop the same rows
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE late (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/late.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, k, SUM(v) AS s FROM late GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), k;
