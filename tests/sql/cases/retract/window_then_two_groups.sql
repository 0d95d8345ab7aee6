-- feature: two-level aggregates
-- about: windows, then a group, then a group of groups
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
SELECT windows, COUNT(*) AS keys, SUM(s) AS s FROM (
  SELECT k, COUNT(*) AS windows, SUM(s) AS s FROM (
    SELECT k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k
  ) GROUP BY k
) GROUP BY windows;
