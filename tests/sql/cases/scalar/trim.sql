-- feature: string functions
-- about: TRIM in its spellings, LTRIM, RTRIM, BTRIM
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
SELECT id, TRIM(s) AS a, TRIM(BOTH FROM s) AS b, TRIM(LEADING FROM s) AS c, TRIM(TRAILING FROM s) AS d,
  LTRIM(s) AS e, RTRIM(s) AS f, BTRIM(s) AS g
FROM strings;
