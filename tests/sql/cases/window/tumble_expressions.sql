-- feature: window aggregates
-- about: expressions inside and over aggregates
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
SELECT window_start, SUM(v * 2 + 1) AS a, SUM(v) / COUNT(v) AS b, MAX(v) - MIN(v) AS spread, CASE WHEN COUNT(*) > 2 THEN 'busy' ELSE 'calm' END AS mood,
  CAST(SUM(m) AS STRING) || ' EUR' AS money
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
