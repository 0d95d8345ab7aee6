-- feature: projection
-- about: a star among other columns, twice, over a subquery, with a computed column behind it
-- oracle: flink 2.3.0
CREATE TABLE payments (
  id INT,
  who STRING,
  shop STRING,
  amount DECIMAL(10, 2),
  status STRING,
  `day` DATE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
WITH small AS (SELECT *, id + 1, id AS again FROM (SELECT id, who FROM payments))
SELECT s.*, 'x', s.id, * FROM small AS s WHERE who = 'bob';
