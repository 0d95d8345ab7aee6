-- feature: casts to strings
-- about: extreme floating point numbers as text
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
SELECT id, CAST(f AS STRING) AS a, CAST(d AS STRING) AS b, CAST(m AS STRING) AS c, CAST(d / 1000 AS STRING) AS d, CAST(b AS STRING) AS e FROM limits;
