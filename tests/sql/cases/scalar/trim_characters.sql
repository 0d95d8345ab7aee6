-- feature: string functions
-- about: TRIM of given characters
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
SELECT id, TRIM(LEADING 'h' FROM s) AS a, TRIM(TRAILING 'd' FROM s) AS b, TRIM(BOTH '😀' FROM s) AS c,
  BTRIM(s, 'ah') AS d, LTRIM(s, 'ha') AS e, RTRIM(s, 'dc') AS f
FROM strings;
