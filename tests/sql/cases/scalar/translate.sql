-- feature: string functions
-- about: TRANSLATE character by character
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
SELECT id, TRANSLATE(s, 'lo-', '01') AS a, TRANSLATE(s, 'é', 'e') AS b FROM strings;
