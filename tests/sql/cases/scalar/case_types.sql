-- feature: conditionals
-- about: the branches of CASE find a common type
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
SELECT id, CASE WHEN id < 3 THEN ti WHEN id < 6 THEN b ELSE i END AS a, CASE WHEN id < 4 THEN i ELSE d END AS b,
  CASE WHEN id < 5 THEN m ELSE i END AS c, CASE WHEN id = 1 THEN NULL ELSE si END AS d
FROM numbers;
