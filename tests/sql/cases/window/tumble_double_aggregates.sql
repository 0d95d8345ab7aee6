-- feature: window aggregates
-- about: aggregates of DOUBLE over the larger JSON input
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
SELECT window_start, device, COUNT(temperature) AS n, SUM(temperature) AS s, AVG(temperature) AS a, MIN(temperature) AS lo, MAX(temperature) AS hi
FROM TABLE(TUMBLE(TABLE sensors, DESCRIPTOR(`at`), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end, device;
