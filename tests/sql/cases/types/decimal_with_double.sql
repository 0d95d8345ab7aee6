-- feature: DECIMAL
-- about: a decimal with a double becomes a double
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
SELECT id, a * d AS x, a + d AS y, a / d AS z FROM decimals WHERE id <> 4;
