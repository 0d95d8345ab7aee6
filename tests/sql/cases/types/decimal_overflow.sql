-- feature: DECIMAL
-- about: results past 38 digits and casts that do not fit are NULL
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
SELECT id, m * 10 AS a, m + m AS b, CAST(m AS DECIMAL(10, 2)) AS c FROM limits;
