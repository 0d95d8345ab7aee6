-- feature: SET
-- about: rows with their windows, and the time of a window, in the zone of the session
-- oracle: flink 2.3.0
SET 'table.local-time-zone' = 'Asia/Kolkata';
CREATE TABLE readings (
  ms BIGINT,
  k STRING,
  v INT,
  l AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR l AS l - INTERVAL '10' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clock_changes.csv',
  'format' = 'csv'
);
SELECT v, l, window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(l), INTERVAL '1' DAY, INTERVAL '6' HOUR)) WHERE v < 12;
