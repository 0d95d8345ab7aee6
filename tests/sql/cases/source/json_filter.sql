-- feature: JSON source
-- about: filter and aggregate
-- oracle: flink 2.3.0

CREATE TABLE events (
  id INT,
  name STRING,
  ok BOOLEAN,
  n BIGINT,
  x DOUBLE,
  m DECIMAL(10, 2),
  `at` TIMESTAMP(3),
  `day` DATE,
  clock TIME
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/events.json',
  'format' = 'json'
);
SELECT ok, COUNT(*) AS n, SUM(n) AS s, MAX(`at`) AS latest FROM events WHERE id < 8 AND (n IS NULL OR n < 1000) GROUP BY ok;
