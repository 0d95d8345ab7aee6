-- feature: string functions
-- about: lengths count characters, not bytes or UTF-16 units
-- oracle: flink 2.3.0

CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, CHAR_LENGTH(s) AS a, CHARACTER_LENGTH(t) AS b FROM strings;
