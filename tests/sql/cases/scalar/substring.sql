-- feature: string functions
-- about: SUBSTRING from the front, the end, before the start and past the end
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
SELECT id, SUBSTRING(s FROM 2) AS a, SUBSTRING(s FROM 2 FOR 3) AS b, SUBSTRING(s, 1, 4) AS c, SUBSTR(s, 3) AS d,
  SUBSTRING(s, -3) AS e, SUBSTRING(s, -3, 2) AS f, SUBSTRING(s, 0, 2) AS g, SUBSTRING(s, 100) AS h, SUBSTRING(s, 2, 0) AS i
FROM strings;
