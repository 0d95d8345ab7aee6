-- feature: two-level aggregates
-- about: decimals through two levels
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
SELECT n, SUM(total) AS s, AVG(total) AS a, MIN(total) AS lo, MAX(total) AS hi FROM (SELECT who, COUNT(*) AS n, SUM(amount) AS total FROM payments GROUP BY who) GROUP BY n;
