-- feature: casts from strings
-- about: text to numbers, with blanks, signs and fractions
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
SELECT k, CAST('12' AS INT) AS a, CAST(' 12 ' AS INT) AS b, CAST('-7' AS BIGINT) AS c, CAST('5.7' AS INT) AS d, CAST('1.5' AS DOUBLE) AS e, CAST('1e3' AS DOUBLE) AS f,
  CAST('+3' AS SMALLINT) AS g, CAST('1.005' AS DECIMAL(5, 2)) AS h, CAST('NaN' AS DOUBLE) AS i, CAST('127' AS TINYINT) AS j, CAST(CAST(v AS STRING) AS INT) AS l, CAST('0.1' AS FLOAT) AS m
FROM scores WHERE k = 'b';
