-- feature: literals
-- about: strings with quotes, booleans, NULL, bytes
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
SELECT k, 'it''s' AS a, '' AS b, TRUE AS c, FALSE AS d, CAST(NULL AS INT) AS e, X'00FF10' AS f, 'ünï' AS g, U&'\00e9' AS h FROM scores WHERE v = 9;
