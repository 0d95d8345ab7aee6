-- feature: casts from strings
-- about: TRY_CAST gives NULL where CAST fails
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
SELECT id, TRY_CAST(s AS INT) AS a, TRY_CAST(CAST(n AS STRING) AS INT) AS b, TRY_CAST('12abc' AS BIGINT) AS c, TRY_CAST('' AS INT) AS d, TRY_CAST('300' AS TINYINT) AS e,
  TRY_CAST(s AS DOUBLE) AS f, TRY_CAST('x' AS BOOLEAN) AS g, TRY_CAST('2024-02-30' AS DATE) AS h, TRY_CAST(s AS TIMESTAMP(3)) AS i, TRY_CAST('99999999999' AS INT) AS j
FROM strings;
