-- feature: CSV source
-- about: an escape character, a line break inside quotes
-- oracle: flink 2.3.0

CREATE TABLE esc (id INT, s STRING, t STRING) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/escape.csv',
  'format' = 'csv',
  'csv.escape-character' = '\'
);
SELECT * FROM esc;
