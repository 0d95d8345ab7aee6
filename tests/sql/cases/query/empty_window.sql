-- feature: empty inputs
-- about: windows of nothing
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
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE nothing, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
