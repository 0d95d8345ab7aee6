-- feature: GROUP BY aggregates
-- about: one group for everything
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
SELECT COUNT(*) AS n, SUM(amount) AS s, MIN(`day`) AS d, MAX(who) AS w FROM payments;
