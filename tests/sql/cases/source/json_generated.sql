-- feature: JSON source
-- about: the larger input, aggregated
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
SELECT device, status, COUNT(*) AS n, COUNT(temperature) AS t, SUM(temperature) AS s, MIN(`count`) AS lo, MAX(`at`) AS latest FROM sensors GROUP BY device, status;
