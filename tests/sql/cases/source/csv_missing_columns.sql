-- feature: malformed records
-- about: with csv.ignore-parse-errors missing columns at the end are NULL
-- oracle: flink 2.3.0

CREATE TABLE short (id INT, s STRING, n INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/short.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM short;
