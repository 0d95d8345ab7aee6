-- feature: string functions
-- about: REPEAT and REVERSE by characters
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
SELECT id, REPEAT(t, 3) AS a, REPEAT(t, n) AS b, REVERSE(s) AS c FROM strings WHERE id <> 9;
