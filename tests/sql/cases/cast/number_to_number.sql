-- feature: casts of numbers
-- about: integers wrap, floating point is cut and saturates
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
SELECT id, CAST(i AS TINYINT) AS a, CAST(i AS SMALLINT) AS b, CAST(b AS INT) AS c, CAST(d AS INT) AS d, CAST(d AS BIGINT) AS e, CAST(f AS TINYINT) AS f,
  CAST(i AS FLOAT) AS g, CAST(b AS DOUBLE) AS h, CAST(m AS INT) AS j, CAST(ti AS BIGINT) AS k
FROM numbers;
