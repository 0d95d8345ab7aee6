-- feature: JSON source
-- about: each scalar type, any order of fields, missing and unknown fields, escapes
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
SELECT * FROM events;
