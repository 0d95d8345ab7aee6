-- feature: NULL handling
-- about: NULL is a group of its own
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
SELECT who, shop, COUNT(*) AS n, COUNT(amount) AS amounts FROM payments GROUP BY who, shop;
