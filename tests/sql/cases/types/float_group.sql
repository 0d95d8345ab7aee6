-- feature: floating point types
-- about: grouping by DOUBLE
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
SELECT d, COUNT(*) AS n, ABS(d) > 1 AS big FROM decimals GROUP BY d;
