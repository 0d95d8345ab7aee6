-- feature: integer types
-- about: the whole range of each integer type
-- oracle: flink 2.3.0

CREATE TABLE limits (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  b BIGINT,
  f FLOAT,
  d DOUBLE,
  m DECIMAL(38, 10)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/limits.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT id, ti, si, i, b FROM limits;
