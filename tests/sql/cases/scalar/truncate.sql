-- feature: math functions
-- about: TRUNCATE toward zero
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
SELECT id, TRUNCATE(d) AS a, TRUNCATE(d, 1) AS b, TRUNCATE(m, 1) AS c, TRUNCATE(m) AS d, TRUNCATE(i, -1) AS e, TRUNCATE(m, -2) AS f FROM numbers;
