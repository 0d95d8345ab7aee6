-- feature: casts of numbers
-- about: casts at the ends of the ranges
-- oracle: flink 2.3.0

CREATE TABLE limits (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  b BIGINT,
  f FLOAT,
  d DOUBLE,
  m DECIMAL(38, 10)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/limits.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, CAST(d AS INT) AS a, CAST(d AS BIGINT) AS b, CAST(b AS INT) AS c, CAST(b AS SMALLINT) AS d, CAST(i AS TINYINT) AS e, CAST(d AS FLOAT) AS f, CAST(f AS DOUBLE) AS g FROM limits;
