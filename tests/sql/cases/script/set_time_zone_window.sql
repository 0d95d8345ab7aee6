-- feature: SET
-- about: windows over TIMESTAMP_LTZ follow the session's time zone
-- oracle: flink 2.3.0

SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE epoch (ms BIGINT, k STRING, v INT, l AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR l AS l - INTERVAL '10' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DATA}/epoch.json', 'format' = 'json');
SELECT window_start, window_end, window_time, SUM(v) AS s FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(l), INTERVAL '1' DAY)) GROUP BY window_start, window_end, window_time;
