-- feature: JSON source
-- about: only some of the fields are declared
-- oracle: flink 2.3.0

CREATE TABLE events (name STRING, id BIGINT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/events.json',
  'format' = 'json',
  'json.fail-on-missing-field' = 'false'
);
SELECT id, name FROM events;
