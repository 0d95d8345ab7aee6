-- feature: cascading windows
-- about: a window of windows by window_time
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
CREATE VIEW small AS
SELECT window_start AS ws, window_end AS we, window_time AS rt, k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time, k;
SELECT window_start, window_end, COUNT(*) AS parts, SUM(s) AS total, MAX(s) AS hi FROM TABLE(TUMBLE(TABLE small, DESCRIPTOR(rt), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
