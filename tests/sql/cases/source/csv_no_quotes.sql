-- feature: CSV source
-- about: quotes switched off
-- oracle: flink 2.3.0

CREATE TABLE plain (id INT, s STRING, t STRING) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/plain.csv',
  'format' = 'csv',
  'csv.field-delimiter' = '|',
  'csv.disable-quote-character' = 'true'
);
SELECT * FROM plain;
