-- feature: filter
-- about: IN, LIKE and BETWEEN in a condition
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
SELECT id FROM payments WHERE shop IN ('books', 'travel') AND who LIKE '%o%' AND amount BETWEEN 15.75 AND 100;
