-- feature: NULL handling
-- about: NULL through arithmetic, text, comparison and logic
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
SELECT id, i + 1 AS a, CAST(i AS STRING) || 'x' AS b, i = i AS c, i > 0 OR TRUE AS d, i > 0 AND FALSE AS e, -d AS f, m * 0 AS g FROM numbers WHERE i IS NULL OR id = 1;
