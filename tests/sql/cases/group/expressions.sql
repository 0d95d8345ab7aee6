-- feature: GROUP BY aggregates
-- about: expressions in and over aggregates
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
SELECT who, SUM(amount * 2) - COUNT(*) AS a, MAX(amount) / 2 AS b, COALESCE(SUM(amount), 0) AS c, CAST(COUNT(*) AS STRING) || ' rows' AS d FROM payments GROUP BY who;
