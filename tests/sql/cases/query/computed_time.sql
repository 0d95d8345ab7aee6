-- feature: computed columns
-- about: an event time made of text
-- oracle: flink 2.3.0

CREATE TABLE epoch (
  `text` STRING,
  k STRING,
  v INT,
  ts AS TO_TIMESTAMP(`text`),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json'
);
SELECT window_start, window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
