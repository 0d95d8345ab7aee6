-- feature: math functions
-- about: the trigonometric functions, DEGREES, RADIANS, PI and E
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
SELECT id, SIN(d) AS a, COS(d) AS b, TAN(f) AS c, ASIN(ti / 200.0E0) AS d, ACOS(ti / 200.0E0) AS e, ATAN(i) AS f, ATAN2(i, 2) AS g,
  DEGREES(d) AS h, RADIANS(i) AS j, PI() AS k, E() AS l, COT(f + 1) AS o, SINH(ti / 50.0E0) AS p, COSH(ti / 50.0E0) AS q, TANH(ti) AS r
FROM numbers WHERE id <> 8;
