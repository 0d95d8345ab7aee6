-- feature: TIMESTAMP_LTZ
-- about: from JSON in ISO form
-- oracle: flink 2.3.0

CREATE TABLE iso (id INT, z TIMESTAMP_LTZ(3)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/iso.json',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);
SELECT id, z, EXTRACT(HOUR FROM z) AS h FROM iso;
