-- feature: pattern matching
-- about: LIKE with %, _, an escape and NULL
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
SELECT id, s LIKE 'a%' AS a, s LIKE '%l_o%' AS b, s NOT LIKE '%e%' AS c, s LIKE '100!% !_under!_' ESCAPE '!' AS d,
  s LIKE '%😀%' AS e, s LIKE '_____本%' AS f, s LIKE '' AS g, s LIKE t AS h
FROM strings;
