-- feature: SET
-- about: growing windows where the clocks of the session change, late rows and all
-- oracle: flink 2.3.0
-- marks: order-dependent

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
SELECT k, window_start, window_end, SUM(v) AS s FROM TABLE(CUMULATE(TABLE readings, DESCRIPTOR(l), INTERVAL '1' HOUR, INTERVAL '6' HOUR))
GROUP BY k, window_start, window_end;
