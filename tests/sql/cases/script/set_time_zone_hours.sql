-- feature: SET
-- about: hours of TIMESTAMP_LTZ where the clocks of the session change
-- oracle: flink 2.3.0
SET 'table.local-time-zone' = 'America/New_York';
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
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(l), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, window_time;
