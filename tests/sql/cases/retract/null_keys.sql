-- feature: two-level aggregates
-- about: NULL as inner and outer key
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
SELECT shop, COUNT(*) AS people, SUM(n) AS n FROM (SELECT who, MAX(shop) AS shop, COUNT(*) AS n FROM payments GROUP BY who) GROUP BY shop;
