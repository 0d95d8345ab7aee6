-- feature: watermarks
-- about: ts - INTERVAL '0.001' SECOND: equal times are never late
-- oracle: flink 2.3.0
-- marks: order-dependent

CREATE TABLE boundary (
  id INT,
  ts TIMESTAMP(3),
  v INT,
  WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/boundary.csv',
  'format' = 'csv'
);
SELECT window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE boundary, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
