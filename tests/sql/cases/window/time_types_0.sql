-- feature: event time types
-- about: TIMESTAMP(0) as event time
-- oracle: flink 2.3.0

CREATE TABLE epoch (
  `text` TIMESTAMP(0),
  k STRING,
  v INT,
  WATERMARK FOR `text` AS `text` - INTERVAL '10' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json'
);
SELECT window_start, window_end, window_time, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(`text`), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
