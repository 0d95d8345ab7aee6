-- feature: boolean logic
-- about: conditions over nullable columns as values
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
SELECT id, i > 0 AND d > 0 AS a, i > 0 OR id > 0 AS b, NOT i > 0 AS c, (i > 10) = (b > 10) AS d, i IS NULL OR i < 0 AS e FROM numbers;
