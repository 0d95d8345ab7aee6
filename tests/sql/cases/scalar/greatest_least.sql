-- feature: math functions
-- about: GREATEST and LEAST are NULL when one argument is
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
SELECT id, GREATEST(ti, si, i) AS a, LEAST(ti, si, i) AS b, GREATEST(d, 1.0E0) AS c, LEAST(m, 1) AS d, GREATEST('b', CAST(i AS STRING)) AS e FROM numbers WHERE i IS NOT NULL;
