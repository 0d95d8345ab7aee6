-- feature: comparison
-- about: BETWEEN, NOT BETWEEN, IN and NOT IN with NULL
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
SELECT id, i BETWEEN 0 AND 42 AS a, i NOT BETWEEN -5 AND 5 AS b, i IN (1, 42, 17) AS c, i NOT IN (1, 42) AS d,
  i IN (1, CAST(NULL AS INT)) AS e, i NOT IN (1, CAST(NULL AS INT)) AS f, m IN (0.1, 1.5) AS g, 5 BETWEEN i AND b AS h
FROM numbers;
