-- feature: CSV source
-- about: missing columns at the end are NULL
-- oracle: flink 2.3.0

CREATE TABLE short (id INT, s STRING, n INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/short.csv',
  'format' = 'csv'
);
SELECT * FROM short;
