-- feature: conditionals
-- about: IF takes the second branch for unknown
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
SELECT id, IF(i > 0, 'yes', 'no') AS a, IF(i IS NULL, 0, i) AS b, IF(d > 1, d, 0.0E0) AS c FROM numbers;
