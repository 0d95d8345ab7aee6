-- feature: conditionals
-- about: TYPEOF names Flink's types
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
SELECT id, TYPEOF(ti) AS a, TYPEOF(m) AS b, TYPEOF(i + b) AS c, TYPEOF(d) AS d, TYPEOF('abc') AS e, TYPEOF(1.50) AS f FROM numbers WHERE id = 1;
