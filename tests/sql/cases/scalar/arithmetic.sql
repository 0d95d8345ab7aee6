-- feature: math functions
-- about: + - * / % and unary minus on every integer type
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
SELECT id, ti + si AS a, i - b AS b, ti * i AS c, i / 2 AS d, b / 10 AS e, i % 7 AS f, MOD(b, 7) AS g, -i AS h, +si AS j, si / ti AS k
FROM numbers WHERE id <> 3;
