-- feature: GROUP BY keys
-- about: keys of DECIMAL, DATE and BOOLEAN
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
SELECT amount, `day`, amount > 20 AS big, COUNT(*) AS n FROM payments GROUP BY amount, `day`, amount > 20;
