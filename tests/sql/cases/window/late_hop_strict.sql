-- feature: late rows
-- about: a hopping window without any delay
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE late (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v BIGINT,
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/late.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT window_start, window_end, k, SUM(v) AS s FROM TABLE(HOP(TABLE late, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end, k;
