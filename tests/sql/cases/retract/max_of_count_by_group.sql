-- feature: two-level aggregates
-- about: MAX of counts by another key
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
SELECT who, MAX(n) AS most, SUM(total) AS total FROM (SELECT who, shop, COUNT(*) AS n, SUM(amount) AS total FROM payments GROUP BY who, shop) GROUP BY who;
