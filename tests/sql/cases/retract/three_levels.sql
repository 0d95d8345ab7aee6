-- feature: three-level aggregates
-- about: an aggregate of an aggregate of an aggregate
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
SELECT shops, COUNT(*) AS people FROM (
  SELECT who, COUNT(*) AS shops FROM (SELECT who, shop, COUNT(*) AS n FROM payments GROUP BY who, shop) WHERE n > 0 GROUP BY who
) GROUP BY shops;
