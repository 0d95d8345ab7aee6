-- feature: GROUP BY HAVING
-- about: on aggregates and keys
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
SELECT who, COUNT(*) AS n, SUM(amount) AS s FROM payments GROUP BY who HAVING COUNT(*) > 1 AND who <> 'carol';
