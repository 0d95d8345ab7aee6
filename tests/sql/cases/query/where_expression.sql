-- feature: filter
-- about: a condition over functions and arithmetic
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
SELECT id, amount FROM payments WHERE MOD(id, 3) = 0 AND CHAR_LENGTH(COALESCE(shop, '')) > 4 AND amount * 2 >= 25;
