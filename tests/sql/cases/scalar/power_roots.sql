-- feature: math functions
-- about: POWER, SQRT, EXP
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
SELECT id, POWER(i, 2) AS a, POWER(2, si) AS b, SQRT(ABS(i)) AS c, SQRT(d) AS d, EXP(ti) AS e, POWER(m, 0.5) AS f FROM numbers WHERE id <> 8;
