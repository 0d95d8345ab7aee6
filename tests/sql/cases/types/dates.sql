-- feature: DATE and TIME
-- about: read, compared and grouped
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
SELECT `day`, COUNT(*) AS n, MIN(id) AS first_id FROM payments WHERE `day` >= DATE '2024-03-02' OR `day` IS NULL GROUP BY `day`;
