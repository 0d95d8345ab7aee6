-- feature: GROUP BY aggregates
-- about: MIN and MAX of numbers, text and dates
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
SELECT shop, MIN(amount) AS lo, MAX(amount) AS hi, MIN(who) AS w, MAX(`day`) AS latest FROM payments GROUP BY shop;
