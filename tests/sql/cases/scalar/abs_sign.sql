-- feature: math functions
-- about: ABS and SIGN keep their type
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
SELECT id, ABS(ti) AS a, ABS(si) AS b, ABS(i) AS c, ABS(b) AS d, ABS(f) AS e, ABS(d) AS f, ABS(m) AS g,
  SIGN(i) AS h, SIGN(d) AS j, SIGN(m) AS k
FROM numbers;
