-- feature: HOP spellings
-- about: averages of the larger JSON input
-- oracle: flink 2.3.0

CREATE TABLE sensors (
  device STRING,
  `at` TIMESTAMP(3),
  temperature DOUBLE,
  status STRING,
  `count` INT,
  WATERMARK FOR `at` AS `at`
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sensors.json',
  'format' = 'json'
);
SELECT window_start, window_end, status, AVG(temperature) AS a, COUNT(*) AS n FROM TABLE(HOP(TABLE sensors, DESCRIPTOR(`at`), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE)) GROUP BY window_start, window_end, status;
