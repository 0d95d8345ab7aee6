-- feature: window FILTER
-- about: FILTER on some aggregates
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
SELECT window_start, COUNT(*) AS n, COUNT(*) FILTER (WHERE k = 'a') AS a, SUM(v) FILTER (WHERE v > 4) AS big, MAX(v) FILTER (WHERE k = 'b' OR k = 'c') AS hi
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
