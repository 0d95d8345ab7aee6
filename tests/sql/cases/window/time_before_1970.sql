-- feature: event time types
-- about: windows before 1970
-- oracle: flink 2.3.0

CREATE TABLE moon (
  id INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' HOUR
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/moon.csv',
  'format' = 'csv'
);
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE moon, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
