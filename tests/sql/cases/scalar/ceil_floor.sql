-- feature: math functions
-- about: CEIL and FLOOR of numbers
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
SELECT id, CEIL(d) AS a, FLOOR(d) AS b, CEIL(f) AS c, FLOOR(f) AS d, CEIL(m) AS e, FLOOR(m) AS f, CEILING(i) AS g, FLOOR(b) AS h FROM numbers;
