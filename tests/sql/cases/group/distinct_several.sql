-- feature: GROUP BY DISTINCT
-- about: DISTINCT over several columns in one query
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
SELECT COUNT(DISTINCT who) AS people, COUNT(DISTINCT shop) AS shops, COUNT(DISTINCT `day`) AS days, COUNT(DISTINCT amount) AS amounts, SUM(DISTINCT amount) AS s FROM payments;
