-- feature: math functions
-- about: arithmetic on FLOAT and DOUBLE, mixed with integers
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
SELECT id, f + f AS a, d * 2 AS b, d - i AS c, d / 3 AS d, -d AS f, i / d AS g, f / 2 AS h FROM numbers;
