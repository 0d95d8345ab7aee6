-- feature: casts from strings
-- about: the words for true and false
-- oracle: flink 2.3.0

CREATE TABLE scores (
  k STRING,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/scores.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT k, CAST('true' AS BOOLEAN) AS a, CAST('FALSE' AS BOOLEAN) AS b, CAST('t' AS BOOLEAN) AS c, CAST('no' AS BOOLEAN) AS d, CAST('1' AS BOOLEAN) AS e, CAST('0' AS BOOLEAN) AS f, CAST('yes' AS BOOLEAN) AS g, CAST('N' AS BOOLEAN) AS h FROM scores WHERE v = 9;
