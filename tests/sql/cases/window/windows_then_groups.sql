-- feature: several windows
-- about: a group over the results of windows of different sizes
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
SELECT n, COUNT(*) AS windows FROM (
  SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
  UNION ALL
  SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end
) GROUP BY n;
