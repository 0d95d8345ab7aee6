-- feature: DECIMAL
-- about: precision and scale of + - * /
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
SELECT id, a + a AS added, a - 1 AS subtracted, a * a AS multiplied, a / 3 AS divided, a * i AS by_int, a + i AS plus_int, -a AS negated FROM decimals;
