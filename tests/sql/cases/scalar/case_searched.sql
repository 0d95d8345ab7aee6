-- feature: conditionals
-- about: searched CASE, with and without ELSE, nested
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
SELECT id, CASE WHEN i IS NULL THEN 'none' WHEN i < 0 THEN 'negative' WHEN i = 0 THEN 'zero' ELSE 'positive' END AS a,
  CASE WHEN i > 10 THEN i END AS b, CASE WHEN d > 1 THEN CASE WHEN i > 1 THEN 2 ELSE 1 END ELSE 0 END AS c
FROM numbers;
