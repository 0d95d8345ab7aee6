-- feature: JSON source
-- about: ISO-8601 timestamps
-- oracle: flink 2.3.0

CREATE TABLE iso (id INT, `at` TIMESTAMP(6)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/iso.json',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);
SELECT id, `at` FROM iso;
