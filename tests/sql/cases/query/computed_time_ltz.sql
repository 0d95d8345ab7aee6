-- feature: computed columns
-- about: an event time made of milliseconds since 1970
-- oracle: flink 2.3.0

CREATE TABLE epoch (
  ms BIGINT,
  k STRING,
  v INT,
  ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json'
);
SELECT window_start, window_end, k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;
