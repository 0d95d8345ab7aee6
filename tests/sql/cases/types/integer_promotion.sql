-- feature: integer types
-- about: the types of mixed integer expressions
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
SELECT id, ti + 1 AS a, si + ti AS c, ti + b AS d, i * ti AS e, ti / si AS f FROM limits WHERE id > 4;
