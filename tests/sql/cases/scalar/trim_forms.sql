-- feature: string functions
-- about: TRIM with and without characters, at either end
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
SELECT id, TRIM(LEADING FROM t) AS a, TRIM(TRAILING FROM UPPER(s)) AS b, TRIM(BOTH FROM s || ' ') AS c, TRIM(BOTH 'a' FROM s) AS d,
  TRIM(LEADING 'ab' FROM s) AS e, TRIM(TRAILING 'd' FROM s) AS f, TRIM('h' FROM s) AS g
FROM strings;
