-- feature: event time types
-- about: TIMESTAMP_LTZ(3) as event time
-- oracle: flink 2.3.0

CREATE TABLE epoch (
  ms BIGINT,
  v INT,
  at_ltz AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR at_ltz AS at_ltz - INTERVAL '10' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json'
);
SELECT window_start, window_end, window_time, SUM(v) AS s FROM TABLE(HOP(TABLE epoch, DESCRIPTOR(at_ltz), INTERVAL '10' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, window_time;
