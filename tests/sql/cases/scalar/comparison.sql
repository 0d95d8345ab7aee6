-- feature: comparison
-- about: = <> < <= > >= over numbers of different types
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
SELECT id, i = ti AS a, i <> ti AS b, i < b AS c, d <= f AS d, m > 1 AS e, d >= m AS f, b = 9007199254740993 AS g FROM numbers;
