-- feature: math functions
-- about: integer arithmetic wraps around
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
SELECT id, ti + ti AS a, si * si AS b, i + 1 AS c, i - 1 AS d, i * 2 AS e, b + 1 AS f, b * 2 AS g, -i AS h, -b AS j FROM limits;
