-- feature: UNION ALL
-- about: a window over the union of two streams with event time
-- oracle: flink 2.3.0

CREATE TABLE clicks (
  ts TIMESTAMP(3),
  k STRING,
  v INT,
  m DECIMAL(6, 2),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
CREATE TABLE more (
  id INT,
  ts TIMESTAMP(3),
  k STRING,
  v INT,
  WATERMARK FOR ts AS ts - INTERVAL '30' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/parts/part-1.csv',
  'format' = 'csv'
);
CREATE VIEW both_streams AS SELECT ts, k, v FROM clicks UNION ALL SELECT ts, k, v FROM more;
SELECT window_start, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE both_streams, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
