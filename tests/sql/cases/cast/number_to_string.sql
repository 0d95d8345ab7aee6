-- feature: casts to strings
-- about: numbers as text, floating point as Java prints it
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
SELECT id, CAST(ti AS STRING) AS a, CAST(i AS STRING) AS b, CAST(b AS VARCHAR) AS c, CAST(f AS STRING) AS d, CAST(d AS STRING) AS e, CAST(m AS STRING) AS f, CAST(i AS VARCHAR(3)) AS g FROM numbers;
