-- feature: malformed records
-- about: json.ignore-parse-errors: a bad field is NULL, a bad line is left out
-- oracle: flink 2.3.0

CREATE TABLE bad (id INT, n INT, `at` TIMESTAMP(0)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM bad;
