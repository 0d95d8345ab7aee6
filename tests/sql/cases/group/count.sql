-- feature: GROUP BY aggregates
-- about: COUNT of rows, of values and of an expression
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
SELECT who, COUNT(*) AS n, COUNT(amount) AS c, COUNT(NULLIF(status, 'paid')) AS unpaid, COUNT(1) AS ones FROM payments GROUP BY who;
