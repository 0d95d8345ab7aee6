-- feature: GROUP BY FILTER
-- about: without keys
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
SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE amount > 20) AS big, SUM(amount) FILTER (WHERE status = 'refunded') AS refunded FROM payments;
