-- feature: JSON source
-- about: a gzip file
-- oracle: flink 2.3.0

CREATE TABLE epoch (ms BIGINT, k STRING, v INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json.gz',
  'format' = 'json'
);
SELECT * FROM epoch;
