-- feature: DECIMAL
-- about: read from CSV up to 38 digits
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
SELECT * FROM decimals;
