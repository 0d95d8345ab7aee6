-- feature: string functions
-- about: REPLACE of all, of nothing, by nothing
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
SELECT id, REPLACE(s, 'l', 'L') AS a, REPLACE(s, t, '') AS b, REPLACE(s, 'absent', 'x') AS c, REPLACE(s, '😀', ':)') AS d FROM strings;
