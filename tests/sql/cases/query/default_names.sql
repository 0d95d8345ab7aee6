-- feature: projection
-- about: the names of columns without an alias
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
SELECT id + 1, UPPER(who), amount, 5, CAST(id AS STRING) AS s, id - 1 FROM payments;
