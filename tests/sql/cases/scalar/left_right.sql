-- feature: string functions
-- about: LEFT and RIGHT with lengths of zero, below zero and beyond the end
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
SELECT id, n, LEFT(s, 3) AS a, RIGHT(s, 3) AS b, LEFT(s, n) AS c, RIGHT(s, n) AS d, LEFT(s, 1000) AS e FROM strings;
