-- feature: UNION ALL
-- about: columns find a common type, names come from the first
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
SELECT id, ti AS v, 'small' AS what FROM numbers UNION ALL SELECT id, b, 'large' FROM numbers UNION ALL SELECT id, m, 'exact amount' FROM numbers;
