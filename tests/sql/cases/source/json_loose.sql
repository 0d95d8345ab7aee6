-- feature: JSON source
-- about: numbers and booleans in quotes, numbers into text
-- oracle: flink 2.3.0

CREATE TABLE loose (id INT, s STRING, n INT, x DOUBLE, ok BOOLEAN) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/loose.json',
  'format' = 'json'
);
SELECT * FROM loose;
