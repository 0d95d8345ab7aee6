-- feature: DECIMAL
-- about: SUM widens to 38 digits, AVG gets at least 6 places
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
SELECT SUM(a) AS s, AVG(a) AS m, MIN(a) AS lo, MAX(a) AS hi, COUNT(DISTINCT a) AS n FROM decimals;
