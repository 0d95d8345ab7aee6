-- feature: integer types
-- about: SUM, AVG, MIN and MAX keep the integer type
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
SELECT SUM(ti) AS a, SUM(si) AS b, SUM(i) AS c, SUM(b) AS d, AVG(ti) AS e, AVG(i) AS f, MIN(si) AS g, MAX(b) AS h, AVG(b) AS j FROM numbers WHERE id <> 8;
