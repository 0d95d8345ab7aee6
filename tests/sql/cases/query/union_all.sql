-- feature: UNION ALL
-- about: duplicates stay
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
SELECT id, who FROM payments WHERE id < 5 UNION ALL SELECT id, shop FROM payments WHERE id BETWEEN 3 AND 6;
