-- feature: filter
-- about: AND, OR, NOT and parentheses
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
SELECT id, who, shop FROM payments WHERE (who = 'alice' OR shop = 'travel') AND NOT status = 'refunded';
