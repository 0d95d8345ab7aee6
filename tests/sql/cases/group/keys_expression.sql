-- feature: GROUP BY keys
-- about: an expression as the key, and an alias of one
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
SELECT UPPER(SUBSTRING(who, 1, 1)) AS letter, COUNT(*) AS n FROM payments GROUP BY UPPER(SUBSTRING(who, 1, 1));
