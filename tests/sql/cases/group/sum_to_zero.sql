-- feature: GROUP BY aggregates
-- about: sums that return to zero stay in the result
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
SELECT shop, SUM(CASE WHEN status = 'paid' THEN 1 WHEN status = 'refunded' THEN -1 ELSE 0 END) AS balance FROM payments GROUP BY shop;
