-- feature: floating point types
-- about: FLOAT and DOUBLE with their extremes, NaN and infinities
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
SELECT id, f, d FROM limits;
