-- feature: filter
-- about: IS NULL, IS NOT NULL and a comparison with NULL
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
SELECT id FROM payments WHERE who IS NULL OR (shop IS NULL AND amount IS NULL) OR `day` = CAST(NULL AS DATE);
