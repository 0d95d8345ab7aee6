-- feature: string functions
-- about: ASCII of the first character and CHR of a code
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
SELECT id, ASCII(t) AS a, CHR(65 + n) AS b, CHR(97) AS c FROM strings WHERE id IN (1, 3, 4, 5, 7, 9, 11);
