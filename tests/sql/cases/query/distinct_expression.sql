-- feature: SELECT DISTINCT
-- about: over expressions with a filter
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
SELECT DISTINCT CHAR_LENGTH(shop) AS n, status = 'paid' AS ok FROM payments WHERE id > 1;
