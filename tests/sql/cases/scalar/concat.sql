-- feature: string functions
-- about: CONCAT and
-- oracle: flink 2.3.0
-- 
-- carry NULL on, CONCAT_WS skips it

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
SELECT id, CONCAT(s, '/', t) AS a, s || t AS b, CONCAT_WS('-', s, t, CAST(n AS STRING)) AS c, CONCAT_WS(t, s, 'x') AS d FROM strings;
