-- feature: late rows
-- about: legacy hopping windows
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
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '20' SECOND) AS ws, COUNT(*) AS n, SUM(v) AS s FROM late GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '20' SECOND);
