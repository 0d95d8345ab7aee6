-- feature: DECIMAL
-- about: MOD, comparison and ABS of decimals
-- oracle: flink 2.3.0

CREATE TABLE decimals (
  id INT,
  a DECIMAL(6, 3),
  d DOUBLE,
  w DECIMAL(38, 8),
  i INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/decimals.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, MOD(a, 2) AS m, a > 0.5 AS c, ABS(a) AS b, a = CAST(d AS DECIMAL(6, 3)) AS e FROM decimals;
