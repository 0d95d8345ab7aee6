-- feature: SET
-- about: group windows over TIMESTAMP_LTZ in the zone of the session
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
SELECT k, TUMBLE_START(l, INTERVAL '30' MINUTE) AS a, TUMBLE_END(l, INTERVAL '30' MINUTE) AS b, TUMBLE_ROWTIME(l, INTERVAL '30' MINUTE) AS c, SUM(v) AS s
FROM readings GROUP BY k, TUMBLE(l, INTERVAL '30' MINUTE);
