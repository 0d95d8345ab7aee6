-- feature: literals
-- about: the types of number literals
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
SELECT k, 1 AS a, 2147483648 AS b, 1.5 AS c, 1.50 AS d, 1E3 AS e, -0.001 AS f, 123456789012345.123 AS g, .5 AS h FROM scores WHERE v = 9;
