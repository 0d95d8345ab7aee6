-- feature: computed columns
-- about: computed columns from others, in between others, and from functions
-- oracle: flink 2.3.0

CREATE TABLE payments (
  id INT,
  who STRING,
  label AS UPPER(COALESCE(who, 'nobody')),
  shop STRING,
  amount DECIMAL(10, 2),
  cents AS CAST(amount * 100 AS BIGINT),
  status STRING,
  `day` DATE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.csv',
  'format' = 'csv',
  'csv.null-literal' = 'NULL'
);
SELECT * FROM payments;
