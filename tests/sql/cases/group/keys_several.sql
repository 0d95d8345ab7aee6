-- feature: GROUP BY keys
-- about: several keys of different types
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
SELECT who, `day`, status = 'paid' AS ok, SUM(amount) AS s FROM payments GROUP BY who, `day`, status = 'paid';
