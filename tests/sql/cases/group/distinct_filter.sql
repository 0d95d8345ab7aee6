-- feature: GROUP BY DISTINCT
-- about: DISTINCT with FILTER
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
SELECT shop, COUNT(DISTINCT who) AS people, COUNT(DISTINCT who) FILTER (WHERE status = 'paid') AS payers, COUNT(DISTINCT who) FILTER (WHERE amount > 20) AS rich FROM payments GROUP BY shop;
