-- feature: STRING
-- about: declared lengths of VARCHAR and CHAR columns
-- oracle: flink 2.3.0

CREATE TABLE strings (id INT, s VARCHAR(100), t CHAR(3), n INT) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, s, t, CHAR_LENGTH(t) AS n FROM strings WHERE id IN (5, 9, 11);
