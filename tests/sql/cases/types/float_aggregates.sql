-- feature: floating point types
-- about: SUM, AVG, MIN and MAX of FLOAT and DOUBLE
-- oracle: flink 2.3.0

CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  b BIGINT,
  f FLOAT,
  d DOUBLE,
  m DECIMAL(10, 2)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT SUM(f) AS a, AVG(f) AS b, MIN(f) AS c, MAX(f) AS d, SUM(d) AS e, AVG(d) AS g, MIN(d) AS h, MAX(d) AS j FROM numbers WHERE id IN (1, 2, 3, 4, 6);
