-- feature: late rows
-- about: a window fires when the watermark reaches its end less one millisecond
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE boundary (
  id INT,
  ts TIMESTAMP(3),
  v INT,
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/boundary.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT window_start, window_end, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE boundary, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
