-- feature: GROUP BY aggregates
-- about: SUM and AVG of decimals and integers
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
SELECT shop, SUM(amount) AS s, AVG(amount) AS a, SUM(id) AS ids, AVG(id) AS avg_id FROM payments GROUP BY shop;
