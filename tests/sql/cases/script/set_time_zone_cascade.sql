-- feature: SET
-- about: days over hours in the zone of the session, and a filter on the time of a window
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
CREATE VIEW hours AS SELECT k, window_time AS rowtime, SUM(v) AS s
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(l), INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end, window_time;
SELECT window_start, window_end, SUM(s) AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE hours, DESCRIPTOR(rowtime), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
