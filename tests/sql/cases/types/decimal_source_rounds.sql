-- feature: DECIMAL
-- about: values are rounded to their scale when read; what does not fit is NULL
-- oracle: flink 2.3.0

CREATE TABLE decimals (id INT, a DECIMAL(3, 1), d DECIMAL(9, 2), w DECIMAL(38, 8), i DECIMAL(5, 2)) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/decimals.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, a, d, i FROM decimals;
