-- feature: casts of numbers
-- about: casts to DECIMAL round half up and give NULL on overflow
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
SELECT id, CAST(i AS DECIMAL(5, 1)) AS a, CAST(d AS DECIMAL(6, 2)) AS b, CAST(m AS DECIMAL(8, 1)) AS c, CAST(m AS DECIMAL(4, 2)) AS d, CAST('12.345' AS DECIMAL(5, 2)) AS e,
  CAST(f AS DECIMAL(10, 3)) AS f
FROM numbers;
