-- feature: math functions
-- about: ROUND half away from zero, to digits before and after the point
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
SELECT id, ROUND(d) AS a, ROUND(d, 1) AS b, ROUND(m) AS c, ROUND(m, 1) AS d, ROUND(m, -2) AS e, ROUND(i, -1) AS f, ROUND(b, -3) AS g, ROUND(d, -2) AS h FROM numbers;
