-- feature: CSV source
-- about: another delimiter, another quote, comments
-- oracle: flink 2.3.0

CREATE TABLE semi (id INT, s STRING, x DOUBLE) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/semicolon.csv',
  'format' = 'csv',
  'csv.field-delimiter' = ';',
  'csv.quote-character' = '''',
  'csv.allow-comments' = 'true',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM semi;
