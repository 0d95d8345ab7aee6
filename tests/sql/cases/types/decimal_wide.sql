-- feature: DECIMAL
-- about: arithmetic on DECIMAL(38, 8)
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
SELECT id, w + 1 AS added, w - w AS zero, CAST(w AS DECIMAL(30, 2)) AS narrowed FROM decimals WHERE id <> 5;
