-- feature: malformed records
-- about: csv.ignore-parse-errors: a bad field is NULL, a bad row is left out
-- oracle: flink 2.3.0

CREATE TABLE bad (id INT, n INT, x DOUBLE, ts TIMESTAMP(0), ok BOOLEAN) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM bad;
