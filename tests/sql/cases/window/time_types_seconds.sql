-- feature: event time types
-- about: seconds since 1970 as event time
-- oracle: flink 2.3.0

CREATE TABLE epoch (
  s BIGINT,
  v INT,
  ts AS CAST(TO_TIMESTAMP_LTZ(s, 0) AS TIMESTAMP(3)),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json'
);
SELECT window_start, MIN(ts) AS first_one, SUM(v) AS total FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
