-- feature: math functions
-- about: LN, LOG10, LOG2, LOG with and without a base
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
SELECT id, LN(ABS(i) + 1) AS a, LOG10(ABS(i) + 1) AS b, LOG2(ABS(i) + 1) AS c, LOG(ABS(i) + 1) AS d, LOG(2, ABS(i) + 1) AS e FROM numbers;
