-- feature: NULL handling
-- about: empty text against NULL in CSV
-- oracle: flink 2.3.0

CREATE TABLE blank (id INT, a STRING, b STRING) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/blank.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, a IS NULL AS a_null, CHAR_LENGTH(a) AS a_length, b IS NULL AS b_null, CHAR_LENGTH(b) AS b_length FROM blank;
